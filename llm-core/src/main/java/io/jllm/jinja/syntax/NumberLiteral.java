package io.jllm.jinja.syntax;

import io.jllm.jinja.value.Int;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Numbers;
import io.jllm.jinja.value.Real;
import io.jllm.jinja.value.Value;

/** Numbers as templates write them: {@code 12}, {@code 0x1F}, {@code 1_000}, {@code 1.5e-3}. */
final class NumberLiteral {
    private NumberLiteral() {
    }

    /** Where a number with a point or an exponent ends; its start if none stands there. */
    static int floatEnd(String source, int start) {
        int whole = digits(source, start, 10);
        int end = whole;
        if (end < source.length() && source.charAt(end) == '.') {
            int fraction = digits(source, end + 1, 10);
            end = fraction > end + 1 ? fraction : end;
        }
        if (end < source.length() && (source.charAt(end) | 0x20) == 'e') {
            int sign = end + 1;
            if (sign < source.length() && (source.charAt(sign) == '+' || source.charAt(sign) == '-')) {
                sign++;
            }
            int exponent = digits(source, sign, 10);
            end = exponent > sign ? exponent : end;
        }
        return end == whole ? start : end;
    }

    /** Where a whole number ends, that begins with a digit. */
    static int integerEnd(String source, int start) {
        int base = base(source, start);
        if (base != 10) {
            int end = digits(source, start + 2, base);
            if (end > start + 2) {
                return end;
            }
        }
        if (source.charAt(start) != '0') {
            return digits(source, start, 10);
        }
        int end = start + 1;
        while (end < source.length() && (source.charAt(end) == '0' || source.startsWith("_0", end))) {
            end++;
        }
        return end;
    }

    private static int base(String source, int start) {
        if (source.charAt(start) != '0' || start + 1 >= source.length()) {
            return 10;
        }
        return switch (source.charAt(start + 1) | 0x20) {
            case 'b' -> 2;
            case 'o' -> 8;
            case 'x' -> 16;
            default -> 10;
        };
    }

    private static int digits(String source, int start, int base) {
        int end = start;
        while (end < source.length() && (isDigit(source, end, base)
                || source.charAt(end) == '_' && (end > start || base != 10) && isDigit(source, end + 1, base))) {
            end++;
        }
        return end;
    }

    private static boolean isDigit(String source, int at, int base) {
        return at < source.length() && source.charAt(at) < 128 && Character.digit(source.charAt(at), base) >= 0;
    }

    static Value integer(String text) {
        String plain = text.replace("_", "");
        int base = base(plain, 0);
        return Numbers.parseWhole(plain, base).map(i -> (Value) new Int(i.value()))
                .orElseThrow(() -> new JinjaException("'" + text + "' is no number"));
    }

    static Value real(String text) {
        return new Real(Double.parseDouble(text.replace("_", "")));
    }
}
