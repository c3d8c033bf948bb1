package io.jllm.jinja.syntax;

import io.jllm.jinja.value.JinjaException;

/** What a string of a template means: its escapes are Python's. */
final class StringLiteral {
    private StringLiteral() {
    }

    /**
     * @param written what stands between the quotes
     * @throws JinjaException if an escape is cut short, or means no character
     */
    static String meant(String written) {
        if (written.indexOf('\\') < 0) {
            return written;
        }
        StringBuilder out = new StringBuilder(written.length());
        for (int i = 0; i < written.length(); ) {
            char c = written.charAt(i);
            i = c == '\\' ? escape(written, i + 1, out) : plain(c, i, out);
        }
        return out.toString();
    }

    private static int plain(char c, int at, StringBuilder out) {
        out.append(c);
        return at + 1;
    }

    /** Adds what the escape after a backslash means, and tells where it ends. */
    private static int escape(String written, int at, StringBuilder out) {
        char c = written.charAt(at);
        switch (c) {
            case '\n' -> { }
            case '\\', '\'', '"' -> out.append(c);
            case 'a' -> out.append('\u0007');
            case 'b' -> out.append('\b');
            case 'f' -> out.append('\f');
            case 'n' -> out.append('\n');
            case 'r' -> out.append('\r');
            case 't' -> out.append('\t');
            case 'v' -> out.append('\u000B');
            case 'x' -> {
                return hexadecimal(written, at + 1, 2, out);
            }
            case 'u' -> {
                return hexadecimal(written, at + 1, 4, out);
            }
            case 'U' -> {
                return hexadecimal(written, at + 1, 8, out);
            }
            case 'N' -> {
                return named(written, at + 1, out);
            }
            default -> {
                if (c >= '0' && c <= '7') {
                    return octal(written, at, out);
                }
                return unknown(written, at, out);
            }
        }
        return at + 1;
    }

    private static int hexadecimal(String written, int start, int digits, StringBuilder out) {
        int value = 0;
        for (int i = start; i < start + digits; i++) {
            int digit = i < written.length() ? Character.digit(written.charAt(i), 16) : -1;
            if (digit < 0) {
                throw new JinjaException("an escape '\\" + written.charAt(start - 1) + "' in a string needs " + digits + " hexadecimal digits");
            }
            value = value << 4 | digit;
        }
        if (!Character.isValidCodePoint(value)) {
            throw new JinjaException("an escape in a string means no character: '\\U" + written.substring(start, start + digits) + "'");
        }
        out.appendCodePoint(value);
        return start + digits;
    }

    private static int octal(String written, int start, StringBuilder out) {
        int value = 0;
        int at = start;
        while (at < written.length() && at < start + 3 && written.charAt(at) >= '0' && written.charAt(at) <= '7') {
            value = value * 8 + written.charAt(at++) - '0';
        }
        out.append((char) value);
        return at;
    }

    private static int named(String written, int open, StringBuilder out) {
        int close = written.indexOf('}', open);
        if (close < 0 || written.charAt(open) != '{') {
            throw new JinjaException("malformed \\N character escape in a string");
        }
        String name = written.substring(open + 1, close);
        try {
            out.appendCodePoint(Character.codePointOf(name));
        } catch (IllegalArgumentException e) {
            throw new JinjaException("no character is named '" + name + "'");
        }
        return close + 1;
    }

    /** The backslash stays. Jinja reads a character outside ASCII after it as the escape of that character, whose own backslash is used up. */
    private static int unknown(String written, int at, StringBuilder out) {
        int c = written.codePointAt(at);
        out.append('\\');
        if (c < 0x80) {
            out.append((char) c);
        } else {
            out.append(c < 0x100 ? String.format("x%02x", c) : c < 0x10000 ? String.format("u%04x", c) : String.format("U%08x", c));
        }
        return at + Character.charCount(c);
    }
}
