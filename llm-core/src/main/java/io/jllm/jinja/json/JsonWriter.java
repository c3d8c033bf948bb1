package io.jllm.jinja.json;

import io.jllm.jinja.value.Bool;
import io.jllm.jinja.value.Comparison;
import io.jllm.jinja.value.Dict;
import io.jllm.jinja.value.Int;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Kinds;
import io.jllm.jinja.value.ListValue;
import io.jllm.jinja.value.Meter;
import io.jllm.jinja.value.None;
import io.jllm.jinja.value.Numbers;
import io.jllm.jinja.value.Printing;
import io.jllm.jinja.value.Real;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.TextBuilder;
import io.jllm.jinja.value.TupleValue;
import io.jllm.jinja.value.Value;
import java.util.List;
import java.util.Optional;

/** Values as JSON text, as Python's {@code json.dumps} writes it, which Hugging Face's {@code tojson} is. */
public final class JsonWriter {
    /**
     * How to write.
     *
     * @param ensureAscii whether all characters outside ASCII are escaped
     * @param indent what each level is indented by, on lines of their own; all in one line without
     * @param comma what stands between two items
     * @param colon what stands between a key and its value
     */
    public record Style(boolean ensureAscii, Optional<String> indent, String comma, String colon, boolean sortKeys) {
    }

    private final Style style;
    private final Meter meter;
    private final TextBuilder out;

    private JsonWriter(Style style, Meter meter) {
        this.style = style;
        this.meter = meter;
        this.out = new TextBuilder(meter);
    }

    /** @throws JinjaException if JSON has no such value */
    public static Str write(Value value, Style style, Meter meter) {
        JsonWriter writer = new JsonWriter(style, meter);
        writer.write(value, 0);
        return writer.out.build();
    }

    private void write(Value value, int depth) {
        meter.step();
        switch (value) {
            case Str s -> quote(s);
            case Int i -> out.add(Long.toString(i.value()));
            case Real r -> out.add(number(r.value()));
            case Bool b -> out.add(b.isTrue() ? "true" : "false");
            case None _ -> out.add("null");
            case ListValue l -> list(l.items(), depth);
            case TupleValue t -> list(t.items(), depth);
            case Dict d -> dict(d, depth);
            default -> throw new JinjaException("object of type " + Kinds.name(value) + " is not JSON serializable");
        }
    }

    private static String number(double value) {
        return Double.isNaN(value) ? "NaN" : Double.isInfinite(value) ? value > 0 ? "Infinity" : "-Infinity" : Numbers.text(value);
    }

    private void list(List<Value> items, int depth) {
        if (items.isEmpty()) {
            out.add("[]");
            return;
        }
        meter.enter();
        out.add("[");
        boolean first = true;
        for (Value item : items) {
            separate(first, depth + 1);
            write(item, depth + 1);
            first = false;
        }
        newLine(depth);
        out.add("]");
        meter.leave();
    }

    private void dict(Dict dict, int depth) {
        if (dict.size() == 0) {
            out.add("{}");
            return;
        }
        meter.enter();
        List<Dict.Entry> entries = dict.entries();
        if (style.sortKeys) {
            entries.sort((a, b) -> Comparison.compare(a.key(), b.key(), "<", meter));
        }
        out.add("{");
        boolean first = true;
        for (Dict.Entry entry : entries) {
            separate(first, depth + 1);
            quote(key(entry.key()));
            out.add(style.colon);
            write(entry.value(), depth + 1);
            first = false;
        }
        newLine(depth);
        out.add("}");
        meter.leave();
    }

    private Str key(Value key) {
        return switch (key) {
            case Str s -> s;
            case Int i -> Printing.text(i, meter);
            case Real r -> Str.trusted(number(r.value()));
            case Bool b -> Str.trusted(b.isTrue() ? "true" : "false");
            case None _ -> Str.trusted("null");
            default -> throw new JinjaException("keys must be str, int, float, bool or None, not " + Kinds.name(key));
        };
    }

    private void separate(boolean first, int depth) {
        if (!first) {
            out.add(style.comma);
        }
        newLine(depth);
    }

    private void newLine(int depth) {
        style.indent.ifPresent(indent -> {
            out.add("\n");
            for (int i = 0; i < depth; i++) {
                out.add(indent);
            }
        });
    }

    private void quote(Str s) {
        String text = s.text();
        out.add("\"");
        s.runs(0, text.length(), (start, end, trusted) -> {
            int plain = start;
            for (int i = start; i < end; i++) {
                String escape = escape(text.charAt(i));
                if (!escape.isEmpty()) {
                    out.add(text.substring(plain, i), trusted).add(escape, trusted);
                    plain = i + 1;
                }
            }
            out.add(text.substring(plain, end), trusted);
        });
        out.add("\"");
    }

    private String escape(char c) {
        return switch (c) {
            case '"' -> "\\\"";
            case '\\' -> "\\\\";
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            case '\f' -> "\\f";
            case '\b' -> "\\b";
            default -> c < ' ' || style.ensureAscii && c > '~' ? String.format("\\u%04x", (int) c) : "";
        };
    }
}
