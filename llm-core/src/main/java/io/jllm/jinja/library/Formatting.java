package io.jllm.jinja.library;

import io.jllm.jinja.value.Arguments;
import io.jllm.jinja.value.Int;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Kinds;
import io.jllm.jinja.value.Meter;
import io.jllm.jinja.value.Numbers;
import io.jllm.jinja.value.Percent;
import io.jllm.jinja.value.Printing;
import io.jllm.jinja.value.Real;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.TextBuilder;
import io.jllm.jinja.value.TupleValue;
import io.jllm.jinja.value.Undefined;
import io.jllm.jinja.value.Value;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code str.format}: {@code {}}, {@code {0}}, {@code {name.attribute[0]!r:>10.2f}}. */
final class Formatting {
    private static final Pattern SPECIFICATION = Pattern.compile("(?:(.)?([<>=^]))?([+\\- ])?(0)?(\\d{0,3})(,)?(?:\\.(\\d{1,3}))?([a-zA-Z%])?",
            Pattern.DOTALL);
    private static final Pattern STEP = Pattern.compile("\\.([^.\\[\\]]+)|\\[([^\\[\\]]+)]");

    private final Arguments arguments;
    private final Meter meter;
    private final TextBuilder out;
    private int next;

    private Formatting(Arguments arguments) {
        this.arguments = arguments;
        this.meter = arguments.meter();
        this.out = new TextBuilder(meter);
    }

    static Str format(Str format, Arguments arguments) {
        Formatting formatting = new Formatting(arguments);
        formatting.write(format);
        return formatting.out.build();
    }

    private void write(Str format) {
        String text = format.text();
        int plain = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '{' && c != '}') {
                continue;
            }
            out.add(format, plain, i);
            if (i + 1 < text.length() && text.charAt(i + 1) == c) {
                out.add(format, i, i + 1);
                i++;
            } else if (c == '}') {
                throw new JinjaException("single '}' encountered in format string");
            } else {
                int close = text.indexOf('}', i);
                if (close < 0) {
                    throw new JinjaException("expected '}' before end of string");
                }
                field(text.substring(i + 1, close));
                i = close;
            }
            plain = i + 1;
        }
        out.add(format, plain, text.length());
    }

    private void field(String field) {
        int colon = field.indexOf(':');
        String specification = colon < 0 ? "" : field.substring(colon + 1);
        String name = colon < 0 ? field : field.substring(0, colon);
        if (name.indexOf('{') >= 0 || specification.indexOf('{') >= 0) {
            throw new JinjaException("a field of a format that holds another one is not supported");
        }
        int mark = name.indexOf('!');
        String conversion = mark < 0 ? "" : name.substring(mark + 1);
        Value value = value(mark < 0 ? name : name.substring(0, mark));
        switch (conversion) {
            case "" -> { }
            case "s" -> value = Printing.text(value, meter);
            case "r" -> {
                TextBuilder quoted = new TextBuilder(meter);
                Printing.quoted(value, quoted, meter);
                value = quoted.build();
            }
            default -> throw new JinjaException("unknown conversion specifier '!" + conversion + "' in a format");
        }
        if (specification.isEmpty()) {
            Printing.write(value, out, meter);
        } else {
            write(value, specification);
        }
    }

    private Value value(String path) {
        int end = 0;
        while (end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
            end++;
        }
        String head = path.substring(0, end);
        Value value;
        if (head.isEmpty() || head.chars().allMatch(c -> c >= '0' && c <= '9') && head.length() < 6) {
            int index = head.isEmpty() ? next++ : Integer.parseInt(head);
            if (index >= arguments.positional().size()) {
                throw new JinjaException("the format asks for argument " + index + ", but there are " + arguments.positional().size());
            }
            value = arguments.positional().get(index);
        } else {
            value = arguments.named().get(head);
            if (value == null) {
                throw new JinjaException("the format asks for '" + head + "', which is missing");
            }
        }
        Matcher step = STEP.matcher(path).region(end, path.length());
        int at = end;
        while (step.lookingAt()) {
            String key = step.group(2);
            boolean number = key != null && key.chars().allMatch(c -> c >= '0' && c <= '9');
            value = key == null ? Lookup.attribute(value, Str.trusted(step.group(1)))
                    : Lookup.item(value, number ? Numbers.parseWhole(key, 10).orElseThrow() : Str.trusted(key));
            at = step.end();
            step.region(at, path.length());
        }
        if (at < path.length()) {
            throw new JinjaException("'" + path + "' is no field of a format");
        }
        if (value instanceof Undefined u) {
            throw u.error();
        }
        return value;
    }

    private void write(Value value, String specification) {
        Matcher m = SPECIFICATION.matcher(specification);
        if (!m.matches()) {
            throw new JinjaException("the format specification '" + specification + "' is not supported");
        }
        boolean number = Numbers.real(value).isPresent();
        String type = m.group(8) == null ? "" : m.group(8);
        Str text = number ? Str.trusted(number(value, type, m.group(7), m.group(6) != null, m.group(3))) : text(value, type, m.group(7));
        int width = m.group(5).isEmpty() ? 0 : Integer.parseInt(m.group(5));
        boolean zeros = m.group(4) != null && m.group(2) == null && number;
        char align = m.group(2) != null ? m.group(2).charAt(0) : number ? zeros ? '=' : '>' : '<';
        String fill = m.group(1) != null ? m.group(1) : zeros ? "0" : " ";
        if (align == '=') {
            int sign = text.text().startsWith("-") || text.text().startsWith("+") || text.text().startsWith(" ") ? 1 : 0;
            out.add(text, 0, sign).add(fill.repeat(Math.max(0, width - text.length()))).add(text, sign, text.text().length());
        } else if (align == '^') { // unlike str.center, an odd blank goes to the right
            int missing = Math.max(0, width - text.length());
            out.add(fill.repeat(missing / 2)).add(text).add(fill.repeat(missing - missing / 2));
        } else {
            out.add(Texts.padded(text, width, Str.trusted(fill), align == '>', align == '<', meter));
        }
    }

    private Str text(Value value, String type, String precision) {
        if (!type.isEmpty() && !type.equals("s") || !(value instanceof Str s)) {
            throw new JinjaException("unsupported format for a value of type " + Kinds.name(value));
        }
        return precision == null ? s : s.slice(0, Math.min(s.length(), Integer.parseInt(precision)));
    }

    private String number(Value value, String type, String precision, boolean grouped, String sign) {
        String digits = switch (type) {
            case "" -> value instanceof Real && precision != null ? percent("%." + precision + "g", value) : Printing.text(value, meter).text();
            case "d" -> {
                if (!(value instanceof Int)) {
                    throw new JinjaException("format code 'd' needs an int, not a " + Kinds.name(value));
                }
                yield Printing.text(value, meter).text();
            }
            case "f", "F", "e", "E", "g", "G" -> percent("%." + (precision == null ? "6" : precision) + type, value);
            case "x", "X", "o" -> percent("%" + type, value);
            case "b" -> Long.toString(Numbers.whole(value).orElseThrow(() -> new JinjaException("format code 'b' needs an int")), 2);
            case "%" -> percent("%." + (precision == null ? "6" : precision) + "f", new Real(Numbers.real(value).getAsDouble() * 100)) + "%";
            default -> throw new JinjaException("unknown format code '" + type + "' for a value of type " + Kinds.name(value));
        };
        String signed = digits.startsWith("-") || sign == null || sign.equals("-") ? digits : sign + digits;
        return grouped ? grouped(signed) : signed;
    }

    private String percent(String format, Value value) {
        return Percent.format(Str.trusted(format), TupleValue.of(value), meter).text();
    }

    /** With a comma before each three digits of the whole part. */
    private static String grouped(String digits) {
        int start = digits.startsWith("-") || digits.startsWith("+") || digits.startsWith(" ") ? 1 : 0;
        int end = start;
        while (end < digits.length() && Character.isDigit(digits.charAt(end))) {
            end++;
        }
        StringBuilder out = new StringBuilder(digits);
        for (int at = end - 3; at > start; at -= 3) {
            out.insert(at, ',');
        }
        return out.toString();
    }
}
