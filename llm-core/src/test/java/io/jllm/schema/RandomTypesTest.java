package io.jllm.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Random values of random records, written and read back. The records are made by the compiler from random sources. */
class RandomTypesTest {
    private static final int TYPES = 40;
    private static final int VALUES = 50;
    private static final int DEEPEST = 4;
    private static final List<String> SIMPLE = List.of("int", "long", "Short", "byte", "double", "Float", "boolean", "String",
            "java.math.BigDecimal", "java.time.LocalDate", "java.time.Instant", "java.util.UUID", "java.net.URI", "E");

    private final SplittableRandom random = new SplittableRandom(1);

    @TempDir
    Path folder;

    @Test
    void thereAndBack() throws Exception {
        Path source = folder.resolve("R.java");
        Files.writeString(source, sources());
        assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, "-proc:none", "-d", folder.toString(), source.toString()));
        try (var loader = new URLClassLoader(new URL[] {folder.toUri().toURL()})) {
            for (int i = 0; i < TYPES; i++) {
                check(loader.loadClass("R$T" + i));
            }
        }
    }

    private <T> void check(Class<T> c) throws Exception {
        var type = JsonType.of(c);
        assertNotNull(StrictJson.parse(type.schema()));
        for (int i = 0; i < VALUES; i++) {
            T value = c.cast(value(c, 0));
            String json = type.write(value);
            assertEquals(value, type.read(json), json);
            assertEquals(json, type.write(type.read(json)));
        }
    }

    private String sources() {
        var text = new StringBuilder("public class R {\n public enum E { A, B_C, d }\n public sealed interface S {}\n");
        for (int i = 0; i < TYPES; i++) {
            text.append(" public record T").append(i).append('(');
            for (int f = random.nextInt(1, 7); f > 0; f--) {
                text.append(type(i, 0)).append(" f").append(f).append(f > 1 ? ", " : "");
            }
            text.append(i % 5 == 4 ? ") implements S {}\n" : ") {}\n");
        }
        return text.append("}\n").toString();
    }

    /** A type that may use the records before it, itself where that can end, and the sealed interface. */
    private String type(int own, int depth) {
        String boxed = switch (random.nextInt(depth > 2 ? 6 : 11)) {
            case 6 -> "java.util.List<" + boxed(type(own, depth + 1)) + ">";
            case 7 -> "java.util.Set<" + boxed(type(own, depth + 1)) + ">";
            case 8 -> "java.util.Map<String, " + boxed(type(own, depth + 1)) + ">";
            case 9 -> "java.util.Optional<" + boxed(SIMPLE.get(random.nextInt(SIMPLE.size()))) + ">";
            case 10 -> "java.util.List<" + (random.nextBoolean() ? "S" : "T" + own) + ">";
            case 5 -> own == 0 ? "String" : "T" + random.nextInt(own);
            default -> SIMPLE.get(random.nextInt(SIMPLE.size()));
        };
        return boxed;
    }

    private static String boxed(String type) {
        return switch (type) {
            case "int" -> "Integer";
            case "long", "byte", "double", "boolean" -> Character.toUpperCase(type.charAt(0)) + type.substring(1);
            default -> type;
        };
    }

    private Object value(Type type, int depth) throws Exception {
        if (type instanceof ParameterizedType p) {
            Type last = p.getActualTypeArguments()[p.getActualTypeArguments().length - 1];
            var values = new ArrayList<Object>();
            for (int i = depth > DEEPEST ? 0 : random.nextInt(4); i > 0; i--) {
                values.add(value(last, depth + 1));
            }
            return switch (((Class<?>) p.getRawType()).getSimpleName()) {
                case "List" -> values;
                case "Set" -> new LinkedHashSet<>(values);
                case "Optional" -> values.isEmpty() ? Optional.empty() : Optional.of(values.getFirst());
                default -> {
                    var map = new LinkedHashMap<String, Object>();
                    for (Object v : values) {
                        map.put(text(), v);
                    }
                    yield map;
                }
            };
        }
        var c = (Class<?>) type;
        if (c.isRecord()) {
            var components = c.getRecordComponents();
            var arguments = new Object[components.length];
            for (int i = 0; i < arguments.length; i++) {
                arguments[i] = value(components[i].getGenericType(), depth + 1);
            }
            return c.getDeclaredConstructor(Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new)).newInstance(arguments);
        }
        if (c.isSealed()) {
            return value(c.getPermittedSubclasses()[random.nextInt(c.getPermittedSubclasses().length)], depth + 1);
        }
        return c.isEnum() ? c.getEnumConstants()[random.nextInt(c.getEnumConstants().length)] : leaf(c);
    }

    private Object leaf(Class<?> c) {
        return switch (c.getSimpleName()) {
            case "int", "Integer" -> random.nextInt();
            case "long", "Long" -> random.nextLong();
            case "Short" -> (short) random.nextInt();
            case "byte", "Byte" -> (byte) random.nextInt();
            case "double", "Double" -> finite(Double.longBitsToDouble(random.nextLong()));
            case "Float" -> (float) random.nextGaussian();
            case "boolean", "Boolean" -> random.nextBoolean();
            case "String" -> text();
            case "BigDecimal" -> BigDecimal.valueOf(random.nextLong(), random.nextInt(-50, 50));
            case "LocalDate" -> LocalDate.ofEpochDay(random.nextInt(-700_000, 2_900_000));
            case "Instant" -> Instant.ofEpochSecond(random.nextLong(-50_000_000_000L, 200_000_000_000L), random.nextInt(1_000_000_000));
            case "UUID" -> new UUID(random.nextLong(), random.nextLong());
            default -> URI.create("https://example.org/" + random.nextInt());
        };
    }

    private static double finite(double d) {
        return Double.isFinite(d) ? d : 0.5;
    }

    private String text() {
        var text = new StringBuilder();
        for (int i = random.nextInt(8); i > 0; i--) {
            text.appendCodePoint(switch (random.nextInt(4)) {
                case 0 -> random.nextInt(0, 32);
                case 1 -> "\"\\/{}[]:,'<>&\u2028\u007f".charAt(random.nextInt(15));
                case 2 -> random.nextInt(0x1F300, 0x1F700);
                default -> random.nextInt(32, 0x2000);
            });
        }
        return text.toString();
    }
}
