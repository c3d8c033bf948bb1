package io.jllm.jinja.value;

import java.util.List;

/** Values as text: Python's {@code str} and {@code repr}. */
public final class Printing {
    private Printing() {
    }

    /** What {@code {{ value }}} writes. */
    public static Str text(Value value, Meter meter) {
        if (value instanceof Str s) {
            return s;
        }
        TextBuilder out = new TextBuilder(meter);
        write(value, out, meter);
        return out.build();
    }

    /** The same, at the end of a text. */
    public static void write(Value value, TextBuilder out, Meter meter) {
        switch (value) {
            case Str s -> out.add(s);
            case Undefined _ -> { }
            default -> quoted(value, out, meter);
        }
    }

    /** As {@code repr} has it: strings in quotes. */
    public static void quoted(Value value, TextBuilder out, Meter meter) {
        meter.step();
        switch (value) {
            case Str s -> quote(s, out);
            case Int i -> out.add(Long.toString(i.value()));
            case Real r -> out.add(Numbers.text(r.value()));
            case Bool b -> out.add(b.isTrue() ? "True" : "False");
            case None _ -> out.add("None");
            case Undefined _ -> out.add("Undefined");
            case ListValue l -> list("[", l.items(), "]", out, meter);
            case TupleValue t -> list("(", t.items(), t.items().size() == 1 ? ",)" : ")", out, meter);
            case RangeValue r -> out.add("range(" + r.start() + ", " + r.stop() + (r.step() == 1 ? ")" : ", " + r.step() + ")"));
            case Dict d -> dict(d, out, meter);
            case DictView v -> list(v.typeName() + "([", v.items(), "])", out, meter);
            case Generator _ -> throw new JinjaException("a generator has no text: use |list or |join on what map, select and the like give");
            case Namespace _, Callable _, Attributed _ -> throw new JinjaException("a " + Kinds.name(value) + " has no text");
        }
    }

    private static void list(String open, List<Value> items, String close, TextBuilder out, Meter meter) {
        meter.enter();
        out.add(open);
        boolean first = true;
        for (Value item : items) {
            out.add(first ? "" : ", ");
            quoted(item, out, meter);
            first = false;
        }
        out.add(close);
        meter.leave();
    }

    private static void dict(Dict dict, TextBuilder out, Meter meter) {
        meter.enter();
        out.add("{");
        boolean first = true;
        for (Dict.Entry entry : dict.entries()) {
            out.add(first ? "" : ", ");
            quoted(entry.key(), out, meter);
            out.add(": ");
            quoted(entry.value(), out, meter);
            first = false;
        }
        out.add("}");
        meter.leave();
    }

    private static void quote(Str s, TextBuilder out) {
        String text = s.text();
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        out.add(String.valueOf(quote));
        s.runs(0, text.length(), (start, end, trusted) -> {
            int plain = start;
            for (int i = start; i < end; ) {
                int c = text.codePointAt(i);
                int next = Math.min(end, i + Character.charCount(c));
                if (c == quote || c == '\\' || !isPrintable(c)) {
                    out.add(text.substring(plain, i), trusted).add(escape(c), trusted);
                    plain = next;
                }
                i = next;
            }
            out.add(text.substring(plain, end), trusted);
        });
        out.add(String.valueOf(quote));
    }

    private static String escape(int c) {
        return switch (c) {
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            case '\'', '"', '\\' -> "\\" + (char) c;
            default -> c < 0x100 ? String.format("\\x%02x", c) : c < 0x10000 ? String.format("\\u%04x", c) : String.format("\\U%08x", c);
        };
    }

    /** As {@code str.isprintable}: neither of the categories Other and Separator, but for the space. */
    private static boolean isPrintable(int c) {
        return c == ' ' || switch (Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED, Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR, Character.SPACE_SEPARATOR -> false;
            default -> true;
        };
    }
}
