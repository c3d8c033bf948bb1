package io.jllm.schema;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTypeTest {
    enum Color { RED, @Name("dark green") GREEN }

    sealed interface Item permits Book, Tool { }

    record Book(String title, Optional<Integer> pages) implements Item { }

    sealed interface Tool extends Item permits Pen, Ruler { }

    record Pen(Color color) implements Tool { }

    @Name("ruler")
    record Ruler(@Name("cm") int length) implements Tool {
        Ruler {
            if (length <= 0) {
                throw new IllegalArgumentException("a ruler has a length");
            }
        }
    }

    @Description("A node of a tree")
    record Node(@Description("for people") String name, List<Node> children) { }

    record Pair<A, B>(A first, B second) { }

    record Leaves(byte b, short s, int i, long l, Byte bb, Integer ii, BigInteger big, float f, double d, BigDecimal exact, boolean yes, Color color,
                  LocalDate date, Instant instant, OffsetDateTime at, LocalTime time, LocalDateTime local, Duration lasts, UUID id, URI uri) { }

    record Holders(List<Item> items, Set<String> names, Map<String, List<Double>> table, int[] ints, String[][] texts, Optional<Node> tree,
                   Pair<Color, Pair<Item, List<LocalDate>>> pair, OptionalInt oi, OptionalLong ol, OptionalDouble od,
                   List<Optional<String>> maybe) { }

    private static final Leaves LEAVES = new Leaves((byte) -128, (short) 7, Integer.MIN_VALUE, Long.MAX_VALUE, (byte) 1, 2, BigInteger.TEN.pow(40),
            0.1f, 1e-300, new BigDecimal("1.500"), true, Color.GREEN, LocalDate.of(2024, 2, 29), Instant.parse("2024-02-29T12:00:00.123Z"),
            OffsetDateTime.parse("2024-02-29T12:00:00+02:00"), LocalTime.of(23, 59), LocalDateTime.of(2024, 2, 29, 0, 0, 1), Duration.ofMinutes(90),
            UUID.fromString("123e4567-e89b-12d3-a456-426614174000"), URI.create("https://example.org/a?b=c"));

    @Test
    void leavesComeBack() {
        var type = JsonType.of(Leaves.class);
        assertEquals(LEAVES, type.read(type.write(LEAVES)));
        assertTrue(type.schema().contains("\"date\":{\"type\":\"string\",\"format\":\"date\"}"), type.schema());
        assertTrue(type.schema().contains("\"b\":{\"type\":\"integer\",\"minimum\":-128,\"maximum\":127}"), type.schema());
    }

    record Points(Map<String, Integer> of) { }

    @Test
    void inMapsTheLastOfANameCounts() {
        assertEquals(new Points(Map.of("a", 3, "b", 2)), JsonType.of(Points.class).read("{\"of\": {\"a\": 1, \"b\": 2, \"a\": 3}}"));
        String twice = "{\"of\": {}, \"of\": {}}";
        assertTrue(assertThrows(JsonReadException.class, () -> JsonType.of(Points.class).read(twice)).getMessage().contains("$.of is there twice"));
    }

    @Test
    void holdersComeBack() {
        var type = JsonType.of(Holders.class);
        var value = new Holders(List.of(new Book("a\"\n\u2028", Optional.of(3)), new Pen(Color.RED), new Ruler(30), new Book("", Optional.empty())),
                Set.of("x"), Map.of("", List.of(1.0, -0.5)), new int[] {1, 2}, new String[][] {{"a"}, {}},
                Optional.of(new Node("r", List.of(new Node("c", List.of())))),
                new Pair<>(Color.GREEN, new Pair<>(new Ruler(1), List.of(LocalDate.EPOCH))),
                OptionalInt.of(1), OptionalLong.empty(), OptionalDouble.of(0.5), List.of(Optional.of("a"), Optional.empty()));
        String json = type.write(value);
        Holders back = type.read(json);
        assertEquals(json, type.write(back));
        assertEquals(value.items(), back.items());
        assertEquals(value.pair(), back.pair());
        assertEquals(value.maybe(), back.maybe());
        assertArrayEquals(value.ints(), back.ints());
        assertThrows(UnsupportedOperationException.class, () -> back.items().clear());
        assertTrue(!json.contains("\"ol\""), json);
    }

    @Test
    void schemas() {
        same("{'type':'object','properties':{'title':{'type':'string'},'pages':{'type':'integer','minimum':-2147483648,'maximum':2147483647}},"
                + "'required':['title'],'additionalProperties':false}", Book.class);
        same("{'$ref':'#/$defs/Node','$defs':{'Node':{'type':'object','description':'A node of a tree','properties':{"
                + "'name':{'type':'string','description':'for people'},'children':{'type':'array','items':{'$ref':'#/$defs/Node'}}},"
                + "'required':['name','children'],'additionalProperties':false}}}", Node.class);
        same("{'anyOf':[{'type':'object','properties':{'type':{'const':'Pen'},'color':{'type':'string','enum':['RED','dark green']}},"
                + "'required':['type','color'],'additionalProperties':false},{'type':'object','properties':{'type':{'const':'ruler'},"
                + "'cm':{'type':'integer','minimum':-2147483648,'maximum':2147483647}},'required':['type','cm'],'additionalProperties':false}]}",
                Tool.class);
    }

    private static void same(String wanted, Class<?> type) {
        assertEquals(JsonParser.parseString(wanted.replace('\'', '"')), JsonParser.parseString(JsonType.of(type).schema()));
    }

    @Test
    void otherTypes() throws Exception {
        assertEquals(5, JsonType.of(int.class).read(" 5.0 "));
        assertEquals(100, JsonType.of(Integer.class).read("1e2"));
        assertEquals("\"RED\"", JsonType.of(Color.class).write(Color.RED));
        JsonType<List<Pair<String, Node>>> type = JsonType.ofGeneric(JsonTypeTest.class.getDeclaredMethod("generic").getGenericReturnType());
        assertEquals(generic(), type.read(type.write(generic())));
    }

    static List<Pair<String, Node>> generic() {
        return List.of(new Pair<>("a", new Node("b", List.of())));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', quoteCharacter = '`', value = {
        "{\"name\": \"a\"} ~ $.children is missing",
        "{\"name\": \"a\", \"children\": [], \"x\": 1} ~ $.x is unknown; known are [name, children]",
        "{\"name\": null, \"children\": []} ~ $.name must be a string, is null",
        "{\"name\": \"a\", \"children\": [{\"name\": \"b\", \"children\": [5]}]} ~ $.children[0].children[0] must be an object, is 5",
        "{\"name\": \"a\", \"children\": {}} ~ $.children must be an array, is an object",
        "{\"name\": \"a\", \"name\": \"b\", \"children\": []} ~ $.name is there twice",
        "{\"name\": \"a\", \"children\": []} x ~ not valid JSON",
        "{\"name\": \"a\", \"children\": []} {} ~ not valid JSON",
        "{\"name\": 'a', \"children\": []} ~ not valid JSON",
        "{\"name\": \"a\", \"children\": [] ~ ends within",
        "[] ~ $ must be an object, is an array", "nope ~ not valid JSON", "`` ~ ends within"})
    void whatDoesNotFit(String json, String complaint) {
        String message = assertThrows(JsonReadException.class, () -> JsonType.of(Node.class).read(json == null ? "" : json)).getMessage();
        assertTrue(message.contains(complaint), message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"128", "-129", "1.5", "1e3", "1e999999999", "1e-999999999", "1e99999999999999999999", "\"1\"", "true", "[1]"})
    void numbersOutOfRange(String json) {
        assertThrows(JsonReadException.class, () -> JsonType.of(byte.class).read(json));
    }

    @Test
    void numbersWithoutEnd() {
        assertThrows(JsonReadException.class, () -> JsonType.of(BigInteger.class).read("1e1000000"));
        assertThrows(JsonReadException.class, () -> JsonType.of(BigInteger.class).read("9".repeat(5000)));
        assertThrows(JsonReadException.class, () -> JsonType.of(double.class).read("1e400"));
        assertThrows(JsonReadException.class, () -> JsonType.of(Node.class).read("[".repeat(100_000)));
        assertThrows(JsonReadException.class, () -> JsonType.of(Node.class).read("{\"name\": \"a\", \"children\": [".repeat(5000)));
    }

    @Test
    void recordsRefuseInTheirOwnWords() {
        String message = assertThrows(JsonReadException.class, () -> JsonType.of(Item.class).read("{\"type\": \"ruler\", \"cm\": 0}")).getMessage();
        assertEquals("$ is refused by Ruler: a ruler has a length", message);
    }

    @Test
    void sealedTypesByTheirNames() {
        var type = JsonType.of(Item.class);
        assertEquals(new Ruler(3), type.read("{\"cm\": 3, \"type\": \"ruler\"}"));
        assertTrue(assertThrows(JsonReadException.class, () -> type.read("{\"cm\": 3}")).getMessage()
                .contains("$.type is missing; it must be one of Book, Pen, ruler"));
        assertTrue(assertThrows(JsonReadException.class, () -> type.read("{\"type\": \"Ruler\", \"cm\": 3}")).getMessage().contains("$.type must be one of"));
    }

    @Test
    void valuesThatJsonCannotSay() {
        assertThrows(IllegalArgumentException.class, () -> JsonType.of(Double.class).write(Double.NaN));
        var absent = new Node(null, List.of());
        assertTrue(assertThrows(NullPointerException.class, () -> JsonType.of(Node.class).write(absent)).getMessage().contains("$.name"));
        var deep = new Node("", List.of());
        for (int i = 0; i < 1000; i++) {
            deep = new Node("", List.of(deep));
        }
        Node deepest = deep;
        assertThrows(IllegalArgumentException.class, () -> JsonType.of(Node.class).write(deepest));
    }

    record Untyped(List<?> any) { }

    record Raw(@SuppressWarnings("rawtypes") List list) { }

    record Keys(Map<Integer, String> map) { }

    record Endless<T>(Optional<Endless<List<T>>> more) { }

    record Start(Endless<String> endless) { }

    sealed interface Typed permits HasType { }

    record HasType(String type) implements Typed { }

    record Twice(@Name("a") int x, int a) { }

    enum Nothing { }

    @ParameterizedTest
    @CsvSource({"Untyped, Untyped.any[]", "Raw, write List<...>", "Keys, String keys only", "Start, has no end", "Typed, give it another name by @Name",
        "Twice, two components of the name a", "Nothing, no constants"})
    void refusedByName(String type, String complaint) throws Exception {
        Class<?> c = Class.forName(JsonTypeTest.class.getName() + "$" + type);
        String message = assertThrows(UnsupportedTypeException.class, () -> JsonType.of(c)).getMessage();
        assertTrue(message.contains(complaint), message);
    }

    @ParameterizedTest
    @ValueSource(classes = {Object.class, Thread.class, char.class, Runnable.class, StringBuilder.class, Void.class})
    void noTypesOfJson(Class<?> type) {
        assertTrue(assertThrows(UnsupportedTypeException.class, () -> JsonType.of(type)).getMessage().contains("is not supported: use records"));
    }
}
