package io.jllm.jinja.value;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/** Numbers as text and back, as Python has them, and the numbers that values are. */
public final class Numbers {
    /** From this power of ten on, and below the other, Python writes an exponent. */
    private static final int MANY_DIGITS = 16;
    private static final int MANY_ZEROS = -4;

    private Numbers() {
    }

    /** {@code repr} of a float: the fewest digits that give it back. */
    public static String text(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        if (value == 0) {
            return 1 / value < 0 ? "-0.0" : "0.0";
        }
        BigDecimal exact = shortest(Math.abs(value));
        String digits = exact.unscaledValue().toString();
        int exponent = digits.length() - 1 - exact.scale();
        String sign = value < 0 ? "-" : "";
        if (exponent >= MANY_DIGITS || exponent < MANY_ZEROS) {
            return sign + digits.charAt(0) + (digits.length() > 1 ? "." + digits.substring(1) : "")
                    + (exponent < 0 ? "e-" : "e+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
        }
        String plain = exact.toPlainString();
        return sign + plain + (plain.indexOf('.') < 0 ? ".0" : "");
    }

    /** Java writes two digits at least, of which one may do. */
    private static BigDecimal shortest(double value) {
        BigDecimal written = new BigDecimal(Double.toString(value)).stripTrailingZeros();
        BigDecimal one = written.round(new MathContext(1));
        return written.precision() == 2 && one.doubleValue() == value ? one.stripTrailingZeros() : written;
    }

    /** The whole number that a value is; a bool is one. */
    public static OptionalLong whole(Value value) {
        return switch (value) {
            case Int i -> OptionalLong.of(i.value());
            case Bool b -> OptionalLong.of(b.isTrue() ? 1 : 0);
            default -> OptionalLong.empty();
        };
    }

    /** The number that a value is. */
    public static OptionalDouble real(Value value) {
        return switch (value) {
            case Int i -> OptionalDouble.of(i.value());
            case Bool b -> OptionalDouble.of(b.isTrue() ? 1 : 0);
            case Real r -> OptionalDouble.of(r.value());
            default -> OptionalDouble.empty();
        };
    }

    /** The whole number that a text says in a base, as {@code int(text, base)}; empty if it says none. */
    public static Optional<Int> parseWhole(String text, int base) {
        String digits = ungrouped(text.strip());
        String unsigned = digits.startsWith("-") || digits.startsWith("+") ? digits.substring(1) : digits;
        String prefix = switch (base) {
            case 2 -> "0b";
            case 8 -> "0o";
            case 16 -> "0x";
            default -> "";
        };
        if (!prefix.isEmpty() && unsigned.length() > 2 && unsigned.regionMatches(true, 0, prefix, 0, 2)) {
            unsigned = unsigned.substring(2);
        }
        if (unsigned.isEmpty() || unsigned.charAt(0) == '-' || unsigned.charAt(0) == '+') {
            return Optional.empty();
        }
        if (base < Character.MIN_RADIX || base > Character.MAX_RADIX) {
            throw new JinjaException("int() base must be from 2 to 36, is " + base);
        }
        for (int i = 0; i < unsigned.length(); i++) {
            if (Character.digit(unsigned.charAt(i), base) < 0) {
                return Optional.empty();
            }
        }
        try {
            return Optional.of(new Int(Long.parseLong(digits.startsWith("-") ? "-" + unsigned : unsigned, base)));
        } catch (NumberFormatException e) {
            throw new JinjaException("the number " + shown(digits) + " does not fit into 64 bits");
        }
    }

    /** The number that a text says, as {@code float(text)}; empty if it says none. */
    public static OptionalDouble parseReal(String text) {
        String t = ungrouped(text.strip());
        boolean negative = t.startsWith("-");
        String unsigned = negative || t.startsWith("+") ? t.substring(1) : t;
        String word = unsigned.toLowerCase(Locale.ROOT);
        if (word.equals("inf") || word.equals("infinity")) {
            return OptionalDouble.of(negative ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY);
        }
        if (word.equals("nan")) {
            return OptionalDouble.of(Double.NaN);
        }
        if (unsigned.isEmpty() || !unsigned.chars().allMatch(c -> c >= '0' && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '-' || c == '+')) {
            return OptionalDouble.empty(); // Java's parser takes suffixes and hexadecimal numbers too
        }
        try {
            return OptionalDouble.of(Double.parseDouble(t));
        } catch (NumberFormatException e) {
            return OptionalDouble.empty();
        }
    }

    /** Without the {@code _} between digits. */
    private static String ungrouped(String text) {
        if (text.indexOf('_') < 0) {
            return text;
        }
        StringBuilder plain = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            boolean between = i > 0 && i < text.length() - 1 && Character.isLetterOrDigit(text.charAt(i - 1))
                    && Character.isLetterOrDigit(text.charAt(i + 1));
            if (text.charAt(i) != '_' || !between) {
                plain.append(text.charAt(i));
            }
        }
        return plain.toString();
    }

    private static String shown(String text) {
        return text.length() > 40 ? text.substring(0, 40) + "..." : text;
    }
}
