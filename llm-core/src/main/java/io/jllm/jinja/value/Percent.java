package io.jllm.jinja.value;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;

/** Python's {@code format % values}. */
public final class Percent {
    /** Wider fields and more digits are no use in a prompt. */
    private static final int MAX_WIDTH = 1000;

    private Percent() {
    }

    /**
     * Fills a format in.
     *
     * @param values a tuple of as many as the format asks for, one that is no tuple, or a dictionary for {@code %(name)s}
     */
    public static Str format(Str format, Value values, Meter meter) {
        String text = format.text();
        TextBuilder out = new TextBuilder(meter);
        Iterator<Value> next = (values instanceof TupleValue t ? t.items() : List.of(values)).iterator();
        boolean named = false;
        int at = 0;
        for (int percent; (percent = text.indexOf('%', at)) >= 0; ) {
            out.add(format, at, percent);
            Field field = Field.parse(text, percent + 1);
            at = field.end;
            if (field.conversion == '%') {
                out.add("%");
                continue;
            }
            Value value;
            if (field.name != null && values instanceof Dict d) {
                named = true;
                value = d.get(Str.trusted(field.name)).orElseThrow(() -> new JinjaException("the format asks for '" + field.name
                        + "', which is missing"));
            } else if (field.name != null) {
                throw new JinjaException("format requires a mapping");
            } else if (next.hasNext()) {
                value = next.next();
            } else {
                throw new JinjaException("not enough arguments for format string");
            }
            field.write(value, out, meter);
        }
        out.add(format, at, text.length());
        if (next.hasNext() && !named && !(values instanceof Dict)) {
            throw new JinjaException("not all arguments converted during string formatting");
        }
        return out.build();
    }

    /** What stands between a percent sign and the letter that ends it. */
    private record Field(String name, String flags, int width, int precision, char conversion, int end) {
        static Field parse(String text, int from) {
            int at = from;
            String name = null;
            if (at < text.length() && text.charAt(at) == '(') {
                int close = text.indexOf(')', at);
                if (close < 0) {
                    throw new JinjaException("incomplete format key");
                }
                name = text.substring(at + 1, close);
                at = close + 1;
            }
            int flags = at;
            while (at < text.length() && "#0- +".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
            int width = at;
            at = digits(text, at);
            int point = at;
            if (at < text.length() && text.charAt(at) == '.') {
                at = digits(text, at + 1);
            }
            if (at >= text.length()) {
                throw new JinjaException("incomplete format");
            }
            return new Field(name, text.substring(flags, width), number(text.substring(width, point)),
                    point == at ? -1 : number(text.substring(point + 1, at)), text.charAt(at), at + 1);
        }

        private static int digits(String text, int from) {
            int at = from;
            while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
                at++;
            }
            return at;
        }

        private static int number(String digits) {
            if (digits.length() > 4 || !digits.isEmpty() && Integer.parseInt(digits) > MAX_WIDTH) {
                throw new JinjaException("the width " + digits + " of a format is over the limit of " + MAX_WIDTH);
            }
            return digits.isEmpty() ? 0 : Integer.parseInt(digits);
        }

        void write(Value value, TextBuilder out, Meter meter) {
            switch (conversion) {
                case 's' -> padded(cut(Printing.text(value, meter)), out);
                case 'r' -> {
                    TextBuilder quoted = new TextBuilder(meter);
                    Printing.quoted(value, quoted, meter);
                    padded(cut(quoted.build()), out);
                }
                case 'c' -> padded(value instanceof Str s && s.length() == 1 ? s : Str.trusted(Character.toString(Math.clamp(whole(value), 0,
                        Character.MAX_CODE_POINT))), out);
                case 'd', 'i', 'u' -> number(Long.toString(whole(value)), out);
                case 'x' -> number(Long.toString(whole(value), 16), out);
                case 'X' -> number(Long.toString(whole(value), 16).toUpperCase(Locale.ROOT), out);
                case 'o' -> number(Long.toString(whole(value), 8), out);
                case 'f', 'F' -> number(fixed(real(value)), out);
                case 'e', 'E', 'g', 'G' -> number(general(real(value)), out);
                default -> throw new JinjaException("unsupported format character '" + conversion + "'");
            }
        }

        private Str cut(Str text) {
            return precision < 0 || precision >= text.length() ? text : text.slice(0, precision);
        }

        private long whole(Value value) {
            return value instanceof Real r ? (long) r.value() : Numbers.whole(value).orElseThrow(() -> needsNumber(value));
        }

        private double real(Value value) {
            return Numbers.real(value).orElseThrow(() -> needsNumber(value));
        }

        private JinjaException needsNumber(Value value) {
            return new JinjaException("%" + conversion + " format: a number is required, not " + Kinds.name(value));
        }

        private String fixed(double value) {
            return Double.isFinite(value) ? new BigDecimal(value).setScale(precision < 0 ? 6 : precision, RoundingMode.HALF_EVEN).toPlainString()
                    : Numbers.text(value);
        }

        /** {@code %e} and {@code %g} as Java's formatter has the first, and Python the second. */
        private String general(double value) {
            int digits = precision < 0 ? 6 : precision;
            if (!Double.isFinite(value) || conversion == 'e' || conversion == 'E') {
                return Double.isFinite(value) ? String.format(Locale.ROOT, "%." + digits + conversion, value) : Numbers.text(value);
            }
            if (value == 0) {
                return "0";
            }
            BigDecimal rounded = new BigDecimal(value).round(new MathContext(Math.max(1, digits), RoundingMode.HALF_EVEN)).stripTrailingZeros();
            int exponent = rounded.precision() - 1 - rounded.scale();
            if (exponent >= -4 && exponent < Math.max(1, digits)) {
                return rounded.toPlainString();
            }
            String figures = rounded.unscaledValue().abs().toString();
            return (value < 0 ? "-" : "") + figures.charAt(0) + (figures.length() > 1 ? "." + figures.substring(1) : "")
                    + (conversion == 'g' ? "e" : "E") + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
        }

        private void number(String digits, TextBuilder out) {
            String sign = digits.startsWith("-") ? "-" : flags.contains("+") ? "+" : flags.contains(" ") ? " " : "";
            String unsigned = digits.startsWith("-") ? digits.substring(1) : digits;
            String zeros = flags.contains("0") && !flags.contains("-") ? "0".repeat(Math.max(0, width - sign.length() - unsigned.length())) : "";
            padded(Str.trusted(sign + zeros + unsigned), out);
        }

        private void padded(Str text, TextBuilder out) {
            String blanks = " ".repeat(Math.max(0, width - text.length()));
            out.add(flags.contains("-") ? "" : blanks).add(text).add(flags.contains("-") ? blanks : "");
        }
    }
}
