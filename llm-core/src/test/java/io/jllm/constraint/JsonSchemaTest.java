package io.jllm.constraint;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Which texts a schema admits. */
class JsonSchemaTest {
    private static void schema(String schema, List<String> accepted, List<String> refused) {
        Constraint c = Constraint.jsonSchema(schema);
        accepted.forEach(t -> assertTrue(c.accepts(t), () -> schema + " accepts " + t));
        refused.forEach(t -> assertFalse(c.accepts(t), () -> schema + " refuses " + t));
    }

    private static void refused(String schema, String message) {
        String said = assertThrows(IllegalArgumentException.class, () -> Constraint.jsonSchema(schema)).getMessage();
        assertTrue(said.contains(message), said);
    }

    @Test
    void anyJson() {
        schema("true", List.of("{}", "[1, 2,null]", "\"a\\u00e9\\ud83d\\ude00\\n\"", "-0.5e10", "{\"a\": {\"b\":[true,false]}}"),
                List.of("", "{", "01", "\"\\ud83d\"", "\"\n\"", "[1,]", "[1,  2]", "{\"a\" :1}", "+1", "nul"));
        assertTrue(Constraint.json().accepts("[\"東京\"]"));
        assertTrue(Constraint.jsonObject().accepts("{\"a\": 1}"));
        assertFalse(Constraint.jsonObject().accepts("1"));
    }

    @Test
    void members() {
        String two = "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}, \"b\": {\"type\": \"string\"}}, \"required\": [\"a\"]";
        schema(two + ", \"additionalProperties\": false}", List.of("{\"a\": 1}", "{\"a\": 1, \"b\": \"x\"}"),
                List.of("{}", "{\"b\": \"x\", \"a\": 1}", "{\"a\": 1, \"c\": 2}", "{\"a\": \"1\"}", "{\"a\": 1, }"));
        schema(two + "}", List.of("{\"a\": 1, \"c\": 2}", "{\"a\": 1, \"b\": \"x\", \"aa\": []}"),
                List.of("{\"a\": 1, \"b\": 2}", "{\"a\": 1, \"a\": \"x\"}"));
        schema(two + ", \"additionalProperties\": {\"type\": \"null\"}}", List.of("{\"a\": 1, \"c\": null}"), List.of("{\"a\": 1, \"c\": 1}"));
        schema("{\"patternProperties\": {\"^x\": {\"type\": \"integer\"}, \"y$\": {\"maximum\": 5}}, \"additionalProperties\": false}",
                List.of("{}", "{\"x\": 7}", "{\"y\": 5, \"xy\": 3}", "[]"), List.of("{\"xy\": 7}", "{\"y\": 6}", "{\"z\": 1}", "{\"x\": \"a\"}"));
        schema("{\"type\": \"object\", \"propertyNames\": {\"maxLength\": 2}, \"minProperties\": 1, \"maxProperties\": 2}",
                List.of("{\"ab\": 1}", "{\"a\": 1, \"b\": 2}"), List.of("{}", "{\"abc\": 1}", "{\"a\": 1, \"b\": 1, \"c\": 1}"));
        schema("{\"type\": \"object\", \"properties\": {\"a\": true, \"b\": true, \"c\": true}, \"additionalProperties\": false,"
                + " \"minProperties\": 2,"
                + " \"maxProperties\": 2}", List.of("{\"a\": 1, \"c\": 2}"), List.of("{\"a\": 1}", "{\"a\": 1, \"b\": 1, \"c\": 2}"));
    }

    @Test
    void integersOfSomeBits() {
        schema("{\"type\": \"integer\", \"format\": \"int8\"}", List.of("127", "-128", "0"), List.of("128", "-129", "1.5"));
        schema("{\"type\": \"integer\", \"format\": \"int32\"}", List.of("2147483647", "-2147483648"), List.of("2147483648", "-2147483649"));
        schema("{\"type\": \"integer\", \"format\": \"int64\", \"minimum\": 3}", List.of("3", "9223372036854775807"), List.of("2", "9223372036854775808"));
    }

    @Test
    void items() {
        schema("{\"type\": \"array\", \"items\": {\"type\": \"boolean\"}, \"minItems\": 1, \"maxItems\": 2}", List.of("[true]", "[true, false]"),
                List.of("[]", "[true, true, true]", "[1]"));
        schema("{\"type\": \"array\", \"prefixItems\": [{\"type\": \"integer\"}, {\"type\": \"string\"}], \"items\": false}",
                List.of("[]", "[1]", "[1, \"a\"]"), List.of("[\"a\"]", "[1, \"a\", 2]"));
        schema("{\"type\": \"array\", \"prefixItems\": [{\"type\": \"integer\"}], \"items\": {\"type\": \"null\"}, \"minItems\": 3}",
                List.of("[1, null, null]"), List.of("[1, null]", "[1, null, 2]"));
    }

    @Test
    void strings() {
        schema("{\"type\": \"string\", \"minLength\": 2, \"maxLength\": 3}", List.of("\"ab\"", "\"😀😀😀\"", "\"\\n\\\"\\ud83d\\ude00\""),
                List.of("\"a\"", "\"abcd\"", "\"😀\""));
        schema("{\"type\": \"string\", \"maxLength\": 5000}", List.of("\"" + "x".repeat(5000) + "\""), List.of("\"" + "x".repeat(5001) + "\""));
        schema("{\"type\": \"string\", \"pattern\": \"^a+$\", \"maxLength\": 3}", List.of("\"a\"", "\"aaa\""), List.of("\"\"", "\"aaaa\"", "\"ab\""));
        schema("{\"type\": \"string\", \"pattern\": \"b.d\"}", List.of("\"abcde\"", "\"b\\\"d\""), List.of("\"bd\"", "\"b\\nd\""));
        schema("{\"format\": \"date\"}", List.of("\"2024-02-29\"", "\"2000-02-29\"", "1"),
                List.of("\"2023-02-29\"", "\"1900-02-29\"", "\"2024-13-01\""));
        schema("{\"format\": \"ipv6\"}", List.of("\"::\"", "\"1::2\"", "\"1:2:3:4:5:6:7:8\""), List.of("\"1:2:3:4:5:6:7\"", "\"1::2::3\""));
        for (String format : List.of("time", "date-time", "duration", "email", "hostname", "ipv4", "uri", "uuid", "json-pointer")) {
            assertFalse(Constraint.jsonSchema("{\"type\": \"string\", \"format\": \"" + format + "\"}").accepts("\"a b~\""), format);
        }
    }

    private static void format(String name, List<String> valid, List<String> others) {
        schema("{\"type\": \"string\", \"format\": \"" + name + "\"}", valid.stream().map(t -> '"' + t + '"').toList(),
                others.stream().map(t -> '"' + t + '"').toList());
    }

    @Test
    void usualTextsOfFormats() {
        format("email", List.of("joe.bloggs@example.com", "te~st@example.com", "~t@a.b", "o'neil+x@mail.example-host.co.uk"),
                List.of("joe", "a@", "@b.de", ".a@b.de", "a..b@c.de", "a@-b.de", "a b@c.de"));
        format("hostname", List.of("localhost", "a-b-c-d-e.example.com", "1.2", "3com.com"),
                List.of("", "-a.com", "a-.com", "a..b", "a.", "a_b.com", "ab--c.de", "a".repeat(64) + ".com"));
        format("ipv6", List.of("::ffff:192.168.0.1", "1::d6:192.168.0.1", "1:2::192.168.0.1", "1:2:3:4:5:6:255.255.255.255", "::1.2.3.4"),
                List.of("1:2:3:4:5:6:7:1.2.3.4", "1::2:3:4:5:6:1.2.3.4", "::1.2.3", "::256.1.1.1", "1.2.3.4", "1.2.3.4::"));
        format("uri", List.of("https://example.com/a%20b?q=1#top", "tel:+1-816-555-1212", "file:///etc/hosts", "file:/etc", "mailto:a@b.de", "urn:a:b",
                "http://10.0.0.1:8080"), List.of("example.com", "//a.b/c", "http:", "http://", "http://a b", "https://a/%2", "1a:b", ""));
        format("time", List.of("08:30:06Z", "23:59:59.123+01:00"), List.of("08:30:06", "24:00:00Z", "08:30:60Z", "08:30:06z"));
    }

    @Test
    void categoriesByTheirLongNames() {
        schema("{\"type\": \"string\", \"pattern\": \"^\\\\p{Letter}\\\\p{digit}\\\\p{gc=Lu}\\\\p{Currency_Symbol}$\"}",
                List.of("\"é٣Ä€\""), List.of("\"1٣Ä€\"", "\"éaÄ€\"", "\"é٣ä€\"", "\"é٣Ä+\""));
        refused("{\"pattern\": \"\\\\p{letter}\"}", "property \\p{letter} is not supported");
    }

    @Test
    void numbersAreBoundedExactly() {
        var random = new Random(8);
        for (int i = 0; i < 40; i++) {
            BigDecimal a = BigDecimal.valueOf(random.nextInt(4001) - 2000, random.nextInt(4));
            BigDecimal b = a.add(BigDecimal.valueOf(random.nextInt(3000), random.nextInt(4)));
            boolean openA = random.nextBoolean();
            boolean openB = random.nextBoolean();
            String bounds = "\"" + (openA ? "exclusiveMinimum" : "minimum") + "\": " + a + ", \""
                    + (openB ? "exclusiveMaximum" : "maximum") + "\": " + b;
            boolean some = a.compareTo(b) < 0 || !openA && !openB;
            if (!some) {
                refused("{\"type\": \"number\", " + bounds + "}", "no finite text");
                continue;
            }
            Constraint c = Constraint.jsonSchema("{\"type\": \"number\", " + bounds + "}");
            for (int k = 0; k < 40; k++) {
                BigDecimal v = k < 2 ? k == 0 ? a : b : k < 6 ? (k < 4 ? a : b).add(BigDecimal.valueOf(k % 2 == 0 ? 1 : -1, 4))
                        : BigDecimal.valueOf(random.nextInt(8001) - 4000, random.nextInt(4));
                boolean inside = v.compareTo(a) >= (openA ? 1 : 0) && v.compareTo(b) <= (openB ? -1 : 0);
                String text = (v.signum() == 0 ? BigDecimal.ZERO : v).toPlainString();
                assertTrue(inside == c.accepts(text), () -> bounds + ": " + text);
            }
        }
        schema("{\"type\": \"integer\", \"minimum\": -12, \"maximum\": 345}", List.of("-12", "0", "345", "99"),
                List.of("-13", "346", "-0", "1.0", "007"));
        schema("{\"type\": \"integer\", \"multipleOf\": 7, \"minimum\": 10}", List.of("14", "7777"), List.of("7", "15", "-7"));
        schema("{\"type\": \"number\", \"multipleOf\": 0.01}", List.of("1", "1.5", "1.25", "-0.01"), List.of("1.255", "0.001"));
        schema("{\"type\": \"number\", \"multipleOf\": 2.5}", List.of("5", "2.5", "-7.5"), List.of("1", "2.6", "0.5"));
    }

    @Test
    void values() {
        schema("{\"enum\": [1, \"a\", null, [1, 2], {\"x\": \"\\n\"}]}", List.of("1", "\"a\"", "null", "[1, 2]", "[1,2]", "{\"x\": \"\\n\"}"),
                List.of("2", "\"b\"", "[2, 1]"));
        schema("{\"enum\": [1, \"abc\", \"d\"], \"maxLength\": 2, \"type\": \"string\"}", List.of("\"d\""), List.of("1", "\"abc\""));
        schema("{\"const\": 1.50}", List.of("1.5"), List.of("1.50", "1"));
    }

    @Test
    void combinations() {
        schema("{\"anyOf\": [{\"type\": \"integer\"}, {\"type\": \"string\", \"maxLength\": 1}]}", List.of("5", "\"a\""), List.of("\"ab\"", "null"));
        schema("{\"allOf\": [{\"properties\": {\"a\": {\"type\": \"integer\"}}}, {\"properties\": {\"a\": {\"minimum\": 3}}, \"required\": [\"a\"]}],"
                + " \"type\": \"object\"}", List.of("{\"a\": 3}"), List.of("{}", "{\"a\": 2}", "{\"a\": 3.5}"));
        schema("{\"oneOf\": [{\"properties\": {\"k\": {\"const\": \"a\"}}, \"required\": [\"k\"]}, {\"properties\": {\"k\": {\"const\": \"b\"}},"
                + " \"required\": [\"k\"]}], \"type\": \"object\"}", List.of("{\"k\": \"a\"}", "{\"k\": \"b\"}"), List.of("{\"k\": \"c\"}", "{}"));
        schema("{\"oneOf\": [{\"type\": \"integer\"}, {\"type\": \"string\"}]}", List.of("1", "\"a\""), List.of("null"));
        refused("{\"oneOf\": [{\"type\": \"integer\"}, {\"minimum\": 2}]}", "oneOf at # is not supported where a value may satisfy two");
    }

    @Test
    void references() {
        schema("{\"$defs\": {\"n\": {\"type\": \"object\", \"properties\": {\"v\": {\"type\": \"integer\"}, \"next\": {\"anyOf\":"
                + " [{\"$ref\": \"#/$defs/n\"},"
                + " {\"type\": \"null\"}]}}, \"required\": [\"v\", \"next\"], \"additionalProperties\": false}}, \"$ref\": \"#/$defs/n\"}",
                List.of("{\"v\": 1, \"next\": null}", "{\"v\": 1, \"next\": {\"v\": 2, \"next\": null}}"), List.of("{\"v\": 1}", "null"));
        schema("{\"type\": \"array\", \"items\": {\"$ref\": \"#\"}}", List.of("[]", "[[], [[]]]"), List.of("[1]", "[[]"));
        schema("{\"$defs\": {\"a/b~c\": {\"$anchor\": \"x\", \"type\": \"null\"}}, \"anyOf\": [{\"$ref\": \"#/$defs/a~1b~0c\"}, {\"$ref\": \"#x\"}]}",
                List.of("null"), List.of("1"));
        refused("{\"$ref\": \"#\"}", "refers to itself");
        refused("{\"$ref\": \"#/$defs/none\"}", "leads nowhere");
        refused("{\"$ref\": \"https://example.com/s.json\"}", "leads nowhere");
    }

    @Test
    void whatIsNotSupportedIsRefusedByName() {
        for (String keyword : List.of("not", "if", "contains", "dependentRequired", "dependentSchemas", "$dynamicRef", "nullable", "frobnicate")) {
            refused("{\"properties\": {\"a\": {\"" + keyword + "\": {}}}}", keyword + " at #/properties/a");
        }
        refused("{\"uniqueItems\": true}", "uniqueItems at #");
        refused("{\"unevaluatedProperties\": false}", "unevaluatedProperties at #");
        refused("{\"format\": \"idn-email\"}", "format \"idn-email\" at #");
        refused("{\"type\": \"string\", \"pattern\": \"a(?=b)\"}", "lookahead");
        refused("{\"type\": \"text\"}", "type at #");
        refused("{\"type\": ", "not JSON");
        refused("[]", "must be an object");
    }

    @Test
    void schemasThatAdmitNothing() {
        refused("false", "no finite text");
        refused("{\"type\": \"integer\", \"minimum\": 5, \"maximum\": 4}", "no finite text");
        refused("{\"type\": \"object\", \"properties\": {\"a\": {\"$ref\": \"#\"}}, \"required\": [\"a\"]}", "no finite text");
        refused("{\"type\": \"string\", \"pattern\": \"^a$\", \"minLength\": 2}", "no finite text");
        refused("{\"enum\": []}", "no finite text");
    }

    @Test
    void whatIsTooLargeIsRefused() {
        refused("{\"type\": \"string\", \"pattern\": \"(a|b)*a(a|b){40}\"}", "too large");
        refused("{\"type\": \"string\", \"pattern\": \"((a{100}){100}){100}\"}", "too large");
        refused("{\"anyOf\": [{}, {\"type\": \"null\"}], \"allOf\": [" + "{\"anyOf\": [{\"minimum\": 1}, {\"maximum\": 2}]},".repeat(12)
                + "true]}", "too many alternatives");
    }

    @Test
    void namesThatAreAlike() {
        schema("{\"properties\": {\"\": {\"type\": \"integer\"}, \"a\": {\"type\": \"integer\"}}, \"additionalProperties\": {\"type\": \"integer\"},"
                + " \"type\": \"object\"}", List.of("{\"\": 1}", "{\"\": 1, \"a\": 2, \"b\": 3}", "{}"), List.of("{\"\": \"\"}"));
        schema("{\"properties\": {\"ab\": {\"type\": \"null\"}, \"ac\": {\"type\": \"null\"}, \"abc\": {\"type\": \"null\"}}, \"type\": \"object\","
                + " \"additionalProperties\": {\"type\": \"boolean\"}}", List.of("{\"ab\": null, \"abc\": null}", "{\"ac\": null, \"a\": true, \"abcd\": true}"),
                List.of("{\"ab\": true}", "{\"a\": null}", "{\"abc\": true}"));
        schema("{\"type\": \"object\", \"properties\": {\"number\": {\"type\": \"object\", \"properties\": {\"number\": {\"$ref\": \"#/$defs/number\"},"
                + " \"root\": {\"type\": \"null\"}}, \"required\": [\"number\", \"root\"], \"additionalProperties\": false}}, \"required\": [\"number\"],"
                + " \"$defs\": {\"number\": {\"type\": \"string\"}}}", List.of("{\"number\": {\"number\": \"1\", \"root\": null}}"),
                List.of("{\"number\": {\"number\": 1, \"root\": null}}"));
    }

    @Test
    void mixesOfCombinations() {
        schema("{\"allOf\": [{\"$ref\": \"#/$defs/base\"}, {\"anyOf\": [{\"$ref\": \"#/$defs/files\"}, {\"$ref\": \"#/$defs/include\"}]}], \"$defs\": {"
                + "\"base\": {\"type\": \"object\", \"properties\": {\"strict\": {\"type\": \"boolean\"}}, \"required\": [\"strict\"]},"
                + "\"files\": {\"properties\": {\"files\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}}, \"required\": [\"files\"]},"
                + "\"include\": {\"properties\": {\"include\": {\"type\": [\"string\", \"null\"]}}, \"required\": [\"include\"]}}}",
                List.of("{\"strict\": true, \"files\": [\"a\"]}", "{\"strict\": true, \"include\": null}", "{\"strict\": false, \"files\": [], \"include\": \"x\"}"),
                List.of("{\"strict\": true}", "{\"files\": []}", "{\"strict\": true, \"include\": 1}"));
        schema("{\"allOf\": [{\"enum\": [\"a\", \"b\", \"c\", 1]}, {\"enum\": [\"b\", \"c\", 1, 2]}], \"type\": \"string\"}", List.of("\"b\"", "\"c\""),
                List.of("\"a\"", "1", "2"));
        schema("{\"$ref\": \"#/$defs/MyType\", \"$defs\": {\"MyType\": {\"type\": [\"array\", \"null\"], \"items\": {}, \"maxItems\": 1}}}",
                List.of("null", "[]", "[{\"x\": 1}]"), List.of("[1, 2]", "1"));
        schema("{\"type\": \"array\", \"items\": {\"type\": \"integer\", \"minimum\": -12, \"maximum\": 207}, \"minItems\": 3, \"maxItems\": 5}",
                List.of("[-12, 0, 207]", "[1, 9, 10, 99, 100]"), List.of("[-13, 0, 1]", "[1, 2, 208]", "[1, 2]", "[1, 2, 3, 4, 5, 6]"));
        refused("{\"type\": \"kaboom\"}", "type at #");
        refused("{\"type\": 123}", "type at #");
    }
}
