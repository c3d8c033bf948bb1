package io.jllm.examples.cli.inspect;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import io.jllm.examples.cli.output.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** An {@link Inspection} for people. */
public final class InspectionText {
    private static final int VALUE_CHARS = 100;
    private static final int ARRAY_ELEMENTS = 4;

    private static final int EXAMPLES = 3;
    private static final Pattern NAME = Pattern.compile("[^\\s;]*\\w\\.\\w[^\\s;]*");
    private static final Pattern CONTROL = Pattern.compile("[\\p{Cntrl}\\u0080-\\u009f]");
    private static final Pattern NUMBER = Pattern.compile("\\d+");

    private InspectionText() {
    }

    /** Several lines: metadata, long values cut short; tensors; memory; whether it can be loaded. */
    public static String of(Inspection inspection) {
        var out = new StringBuilder();
        out.append(inspection.format()).append("\n\nmetadata (").append(inspection.metadata().size()).append(")\n");
        int keys = width(inspection.metadata().keySet().stream().mapToInt(String::length).max());
        inspection.metadata().forEach((key, value) -> out.append(String.format("  %-" + keys + "s  %s\n", visible(key), brief(value))));
        out.append("\ntensors (").append(inspection.tensors().size()).append(")\n");
        int names = width(inspection.tensors().stream().mapToInt(t -> t.name().length()).max());
        int shapes = width(inspection.tensors().stream().mapToInt(t -> shape(t.shape()).length()).max());
        for (Inspection.TensorLine t : inspection.tensors()) {
            out.append(String.format("  %-" + names + "s  %-8s  %-" + shapes + "s  %14s\n", visible(t.name()), t.type(), shape(t.shape()),
                    bytes(t.bytes())));
        }
        Inspection.Memory memory = inspection.memory();
        out.append("\nmemory\n").append(memoryLine("weights", memory.weights()));
        memory.kvPerToken().ifPresent(kv -> out.append(memoryLine("keys and values, each token", kv)));
        memory.total().ifPresent(total -> out.append(memoryLine("weights and " + memory.context().orElseThrow() + " tokens", total)));
        if (inspection.loadable()) {
            return out.append("\ncan be loaded\n").toString();
        }
        out.append("\ncannot be loaded:\n");
        brief(inspection.reasons()).forEach(reason -> out.append("  ").append(visible(reason)).append('\n'));
        return out.toString();
    }

    /** One reason a line; of those that differ only in names of tensors and in numbers, a few and how many there are. */
    public static List<String> brief(List<String> reasons) {
        var lines = new ArrayList<String>();
        Map<String, List<String>> alike = reasons.stream().collect(Collectors.groupingBy(
                reason -> NUMBER.matcher(NAME.matcher(reason).replaceAll("?")).replaceAll("?"), LinkedHashMap::new, Collectors.toList()));
        for (List<String> some : alike.values()) {
            lines.addAll(some.subList(0, Math.min(some.size(), EXAMPLES)));
            if (some.size() > EXAMPLES) {
                lines.add("... and " + (some.size() - EXAMPLES) + " more like these");
            }
        }
        return lines;
    }

    /** A name that may hold anything, on one line of a terminal. */
    private static String visible(String name) {
        return CONTROL.matcher(name).replaceAll(c -> String.format("\\\\u%04x", (int) c.group().charAt(0)));
    }

    private static String memoryLine(String what, long bytes) {
        return String.format("  %-28s  %20s\n", what, bytes(OptionalLong.of(bytes)));
    }

    private static int width(OptionalInt longest) {
        return Math.max(1, longest.orElse(1));
    }

    private static String shape(List<Long> shape) {
        return shape.stream().map(Object::toString).collect(Collectors.joining(" x "));
    }

    private static String bytes(OptionalLong bytes) {
        return bytes.isEmpty() ? "unknown" : String.format(Locale.ROOT, "%,d B", bytes.getAsLong());
    }

    private static String brief(JsonElement value) {
        if (value instanceof JsonArray array && array.size() > ARRAY_ELEMENTS) {
            var head = new JsonArray();
            for (int i = 0; i < ARRAY_ELEMENTS; i++) {
                head.add(array.get(i));
            }
            String text = cut(Json.line(head));
            return text.substring(0, text.length() - 1) + ", ...] (" + array.size() + ")";
        }
        return cut(Json.line(value));
    }

    private static String cut(String text) {
        return text.length() <= VALUE_CHARS ? text : text.substring(0, VALUE_CHARS) + "...";
    }
}
