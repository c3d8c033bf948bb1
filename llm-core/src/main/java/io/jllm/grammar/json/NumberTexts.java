package io.jllm.grammar.json;

import io.jllm.grammar.CodePoints;
import io.jllm.grammar.Expr;
import io.jllm.grammar.regex.Dfa;
import io.jllm.grammar.regex.Regex;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How numbers are written. Integers have no fraction and no exponent. Where nothing bounds a number it has at most 18 digits before the point
 * and 17 after, so that it fits long and double, and a model cannot lose itself in digits; an exponent has at most two.
 */
final class NumberTexts {
    private static final int DIGITS = 18;
    private static final int FRACTION = 17;
    private static final int MOST_DIGITS = 60;
    private static final Regex DIGIT = new Regex.Chars(CodePoints.range('0', '9'));
    private static final Regex MINUS = Regex.literal("-");

    private NumberTexts() {
    }

    /** Any integer. */
    static Expr integers() {
        return Dfa.of("-?(0|[1-9][0-9]{0," + (DIGITS - 1) + "})").toExpr(Expr.Chars::new);
    }

    /** Any number. */
    static Expr numbers() {
        return Dfa.of("-?(0|[1-9][0-9]{0," + (DIGITS - 1) + "})(\\.[0-9]{1," + FRACTION + "})?([eE][+-]?[0-9]{1,2})?").toExpr(Expr.Chars::new);
    }

    /** Integers within bounds. */
    static Dfa integers(Bounds bounds) {
        BigInteger low = bounds.low() == null ? null : ceiling(bounds.low(), bounds.lowOpen());
        BigInteger high = bounds.high() == null ? null : ceiling(bounds.high().negate(), bounds.highOpen()).negate();
        List<Regex> options = new ArrayList<>();
        if (low == null || low.signum() < 0) {
            BigInteger least = high == null || high.signum() >= 0 ? BigInteger.ONE : high.negate();
            options.add(new Regex.Seq(List.of(MINUS, natural(least, low == null ? null : low.negate()))));
        }
        if (high == null || high.signum() >= 0) {
            options.add(natural(low == null || low.signum() < 0 ? BigInteger.ZERO : low, high));
        }
        return Dfa.of(new Regex.Choice(options));
    }

    private static BigInteger ceiling(BigDecimal bound, boolean open) {
        check(bound);
        BigInteger up = bound.setScale(0, RoundingMode.CEILING).toBigInteger();
        return open && bound.compareTo(new BigDecimal(up)) == 0 ? up.add(BigInteger.ONE) : up;
    }

    private static void check(BigDecimal bound) {
        if (bound.signum() != 0 && (bound.precision() - (long) bound.scale() > MOST_DIGITS || bound.scale() > MOST_DIGITS)) {
            throw new IllegalArgumentException("bounds of numbers with more than " + MOST_DIGITS + " digits are not supported: " + bound);
        }
    }

    /** From one number to another, both included and not negative; no upper one if it is null. Nothing if they are out of order. */
    private static Regex natural(BigInteger low, BigInteger high) {
        int longest = high == null ? Math.max(DIGITS, low.toString().length()) : high.toString().length();
        BigInteger last = high == null ? BigInteger.TEN.pow(longest).subtract(BigInteger.ONE) : high;
        List<Regex> options = new ArrayList<>();
        for (int length = low.toString().length(); length <= longest; length++) {
            BigInteger from = low.max(length == 1 ? BigInteger.ZERO : BigInteger.TEN.pow(length - 1));
            BigInteger to = last.min(BigInteger.TEN.pow(length).subtract(BigInteger.ONE));
            if (from.compareTo(to) <= 0) {
                options.add(digits(from.toString(), to.toString()));
            }
        }
        return new Regex.Choice(options);
    }

    /** Texts of digits of one length between two. */
    private static Regex digits(String low, String high) {
        int length = low.length();
        if (length == 0) {
            return Regex.EMPTY;
        }
        if (low.equals("0".repeat(length)) && high.equals("9".repeat(length))) {
            return new Regex.Repeat(DIGIT, length, length);
        }
        char a = low.charAt(0);
        char b = high.charAt(0);
        if (a == b) {
            return new Regex.Seq(List.of(digit(a, b), digits(low.substring(1), high.substring(1))));
        }
        List<Regex> options = new ArrayList<>();
        options.add(new Regex.Seq(List.of(digit(a, a), digits(low.substring(1), "9".repeat(length - 1)))));
        if (a + 1 < b) {
            options.add(new Regex.Seq(List.of(digit(a + 1, b - 1), new Regex.Repeat(DIGIT, length - 1, length - 1))));
        }
        options.add(new Regex.Seq(List.of(digit(b, b), digits("0".repeat(length - 1), high.substring(1)))));
        return new Regex.Choice(options);
    }

    private static Regex digit(int first, int last) {
        return new Regex.Chars(CodePoints.range(first, last));
    }

    /** Numbers within bounds, without exponents. */
    static Dfa numbers(Bounds bounds) {
        BigDecimal low = bounds.low();
        BigDecimal high = bounds.high();
        List<Regex> options = new ArrayList<>();
        if (low == null || low.signum() < 0) {
            boolean toZero = high == null || high.signum() >= 0;
            options.add(new Regex.Seq(List.of(MINUS, positive(toZero ? BigDecimal.ZERO : high.negate(), toZero || bounds.highOpen(),
                    low == null ? null : low.negate(), bounds.lowOpen()))));
        }
        if (high == null || high.signum() >= 0) {
            boolean fromZero = low == null || low.signum() < 0;
            options.add(positive(fromZero ? BigDecimal.ZERO : low, !fromZero && bounds.lowOpen(), high, bounds.highOpen()));
        }
        return Dfa.of(new Regex.Choice(options));
    }

    private static Regex positive(BigDecimal low, boolean lowOpen, BigDecimal high, boolean highOpen) {
        check(low);
        BigInteger lowWhole = low.toBigInteger();
        String lowRest = fraction(low);
        if (high == null) {
            return new Regex.Choice(List.of(whole(lowWhole, new Fractions(lowRest, lowOpen, null, false)),
                    beyond(natural(lowWhole.add(BigInteger.ONE), null))));
        }
        check(high);
        BigInteger highWhole = high.toBigInteger();
        if (lowWhole.compareTo(highWhole) > 0) {
            return new Regex.Choice(List.of());
        }
        if (lowWhole.equals(highWhole)) {
            return whole(lowWhole, new Fractions(lowRest, lowOpen, fraction(high), highOpen));
        }
        return new Regex.Choice(List.of(whole(lowWhole, new Fractions(lowRest, lowOpen, null, false)),
                beyond(natural(lowWhole.add(BigInteger.ONE), highWhole.subtract(BigInteger.ONE))),
                whole(highWhole, new Fractions("", false, fraction(high), highOpen))));
    }

    private static Regex beyond(Regex whole) {
        return new Regex.Seq(List.of(whole, new Fractions("", false, null, false).regex()));
    }

    private static Regex whole(BigInteger whole, Fractions fractions) {
        return new Regex.Seq(List.of(Regex.literal(whole.toString()), fractions.regex()));
    }

    private static String fraction(BigDecimal value) {
        BigDecimal rest = value.remainder(BigDecimal.ONE).stripTrailingZeros();
        return rest.signum() == 0 ? "" : rest.toPlainString().substring(2);
    }

    /** Fractions between two, given by their digits; no upper one if it is null. */
    private record Fractions(String low, boolean lowOpen, String high, boolean highOpen) {
        Regex regex() {
            List<Regex> options = new ArrayList<>();
            boolean bound = lowOpen || !low.isEmpty();
            if (mayEnd(0, bound, high != null)) {
                options.add(Regex.EMPTY);
            }
            options.add(new Regex.Seq(List.of(Regex.literal("."), more(0, bound, high != null))));
            return new Regex.Choice(options);
        }

        private int longest() {
            return Math.max(FRACTION, Math.max(low.length(), high == null ? 0 : high.length()) + 1);
        }

        /** Whether the digits so far, which are the bounds' own where it is close to them, are a number within. */
        private boolean mayEnd(int place, boolean atLow, boolean atHigh) {
            return (!atLow || place >= low.length() && !lowOpen) && (!atHigh || place < high.length() || !highOpen);
        }

        /** At least one more digit. */
        private Regex more(int place, boolean atLow, boolean atHigh) {
            if (place == longest()) {
                return new Regex.Choice(List.of());
            }
            if (!atLow && !atHigh) {
                return new Regex.Repeat(DIGIT, 1, longest() - place);
            }
            char first = atLow && place < low.length() ? low.charAt(place) : '0';
            char last = !atHigh ? '9' : place < high.length() ? high.charAt(place) : '0';
            if (first > last) {
                return new Regex.Choice(List.of());
            }
            if (first == last) {
                return digits(first, last, place, atLow, atHigh);
            }
            List<Regex> options = new ArrayList<>();
            options.add(digits(first, first, place, atLow, false));
            if (first + 1 < last) {
                options.add(digits((char) (first + 1), (char) (last - 1), place, false, false));
            }
            options.add(digits(last, last, place, false, atHigh));
            return new Regex.Choice(options);
        }

        /** One of these digits, and what may follow; once all digits of a lower bound that is included are there, any may. */
        private Regex digits(char from, char to, int place, boolean atLow, boolean atHigh) {
            boolean bound = atLow && (lowOpen || place + 1 < low.length());
            List<Regex> rest = new ArrayList<>();
            if (mayEnd(place + 1, bound, atHigh)) {
                rest.add(Regex.EMPTY);
            }
            rest.add(more(place + 1, bound, atHigh));
            return new Regex.Seq(List.of(digit(from, to), new Regex.Choice(rest)));
        }
    }

    /** Numbers that are whole multiples of another, written without exponent. */
    static Dfa multiples(BigDecimal of) {
        BigDecimal stripped = of.stripTrailingZeros();
        int places = Math.max(0, stripped.scale());
        BigInteger unit = stripped.movePointRight(places).toBigInteger();
        if (unit.bitLength() > 14 || (places + 1L) * unit.intValue() > 10_000) {
            throw new IllegalArgumentException("multipleOf " + of + " is not supported: without its point it must be at most 10000, and less"
                    + " where it has digits after the point; leave it out and check the number yourself");
        }
        int modulus = unit.intValue();
        // States: the begin, after a minus, then for each count of digits after the point (none yet: 0) each remainder, of which the first
        // row stands for numbers without a point, and a row for the point itself.
        int[] cuts = {0, '-', '.', '/', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':'};
        int rows = places + 2;
        List<int[]> next = new ArrayList<>();
        List<Boolean> ends = new ArrayList<>();
        for (int s = 0; s < 2 + rows * modulus; s++) {
            int[] row = new int[cuts.length];
            Arrays.fill(row, -1);
            int place = s < 2 ? 0 : (s - 2) / modulus;
            int remainder = s < 2 ? 0 : (s - 2) % modulus;
            if (s == 0) {
                row[1] = 1;
            }
            if (s >= 2 && place == 0 && places > 0) {
                row[2] = 2 + modulus + remainder;
            }
            int after = s < 2 || place == 0 ? 0 : place + 1;
            for (int digit = 0; digit < 10 && after < rows; digit++) {
                row[4 + digit] = 2 + after * modulus + (int) ((10L * remainder + digit) % modulus);
            }
            next.add(row);
            ends.add(s >= 2 && place != 1 && divides(remainder, places - Math.max(0, place - 1), modulus));
        }
        return Dfa.of(cuts, next, ends);
    }

    private static boolean divides(int remainder, int zeros, int modulus) {
        return BigInteger.TEN.pow(zeros).multiply(BigInteger.valueOf(remainder)).mod(BigInteger.valueOf(modulus)).signum() == 0;
    }
}
