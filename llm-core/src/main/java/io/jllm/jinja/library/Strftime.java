package io.jllm.jinja.library;

import io.jllm.jinja.value.JinjaException;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Python's {@code strftime} in English. */
final class Strftime {
    private Strftime() {
    }

    /**
     * Fills a date into a format such as {@code %d %b %Y}; {@code %-d} is a number without zeros before it.
     *
     * @throws JinjaException for a directive that is not known
     */
    static String format(ZonedDateTime time, String format) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%') {
                out.append(c);
                continue;
            }
            i++;
            boolean bare = i < format.length() && format.charAt(i) == '-';
            if (bare) {
                i++;
            }
            if (i == format.length()) {
                throw new JinjaException("strftime_now: the format ends after %");
            }
            String text = directive(time, format.charAt(i));
            out.append(bare ? text.replaceFirst("^0+(?=.)", "") : text);
        }
        return out.toString();
    }

    private static String directive(ZonedDateTime time, char directive) {
        return switch (directive) {
            case 'Y' -> pattern(time, "uuuu");
            case 'y' -> pattern(time, "uu");
            case 'm' -> pattern(time, "MM");
            case 'd' -> pattern(time, "dd");
            case 'e' -> String.format("%2d", time.getDayOfMonth());
            case 'b', 'h' -> pattern(time, "MMM");
            case 'B' -> pattern(time, "MMMM");
            case 'a' -> pattern(time, "EEE");
            case 'A' -> pattern(time, "EEEE");
            case 'H' -> pattern(time, "HH");
            case 'I' -> pattern(time, "hh");
            case 'M' -> pattern(time, "mm");
            case 'S' -> pattern(time, "ss");
            case 'f' -> String.format("%06d", time.getNano() / 1000);
            case 'p' -> time.getHour() < 12 ? "AM" : "PM";
            case 'j' -> pattern(time, "DDD");
            case 'u' -> Integer.toString(time.getDayOfWeek().getValue());
            case 'w' -> Integer.toString(time.getDayOfWeek().getValue() % 7);
            case 'F' -> pattern(time, "uuuu-MM-dd");
            case 'T' -> pattern(time, "HH:mm:ss");
            case 'R' -> pattern(time, "HH:mm");
            case 'D', 'x' -> pattern(time, "MM/dd/uu");
            case 'X' -> pattern(time, "HH:mm:ss");
            case 'c' -> pattern(time, "EEE MMM ") + String.format("%2d", time.getDayOfMonth()) + pattern(time, " HH:mm:ss uuuu");
            case 's' -> Long.toString(time.toEpochSecond());
            case 'z', 'Z' -> ""; // of a time without a zone, as Python's now() is
            case 'n' -> "\n";
            case 't' -> "\t";
            case '%' -> "%";
            default -> throw new JinjaException("strftime_now: the directive %" + directive + " is not supported");
        };
    }

    private static String pattern(ZonedDateTime time, String pattern) {
        return DateTimeFormatter.ofPattern(pattern, Locale.US).format(time);
    }
}
