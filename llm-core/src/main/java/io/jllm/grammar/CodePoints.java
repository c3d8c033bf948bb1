package io.jllm.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A set of Unicode code points, as sorted ranges that do not touch. Surrogates are never in it, for they have no UTF-8. Immutable.
 */
public final class CodePoints {
    private static final int FIRST_SURROGATE = 0xD800;
    private static final int LAST_SURROGATE = 0xDFFF;

    public static final CodePoints NONE = new CodePoints(new int[0]);
    /** Every one. */
    public static final CodePoints ALL = range(0, Character.MAX_CODE_POINT);

    /** First and last of each range, in turn. */
    private final int[] bounds;

    private CodePoints(int[] bounds) {
        this.bounds = bounds;
    }

    public static CodePoints of(int codePoint) {
        return range(codePoint, codePoint);
    }

    /** From the first to the last, both included. */
    public static CodePoints range(int first, int last) {
        return ofRanges(first, last);
    }

    /** Those of a text. */
    public static CodePoints anyOf(String characters) {
        return ofRanges(characters.codePoints().flatMap(c -> java.util.stream.IntStream.of(c, c)).toArray());
    }

    /** The union of ranges, given as first and last in turn, in any order. */
    public static CodePoints ofRanges(int... firstAndLast) {
        long[] sorted = new long[firstAndLast.length / 2];
        for (int i = 0; i < sorted.length; i++) {
            if (firstAndLast[2 * i] > firstAndLast[2 * i + 1]) {
                throw new IllegalArgumentException("range of characters out of order: " + name(firstAndLast[2 * i]) + " to "
                        + name(firstAndLast[2 * i + 1]));
            }
            sorted[i] = (long) firstAndLast[2 * i] << 32 | firstAndLast[2 * i + 1];
        }
        Arrays.sort(sorted);
        var out = new Ranges();
        for (long r : sorted) {
            out.add((int) (r >> 32), (int) r);
        }
        return out.build();
    }

    private static String name(int codePoint) {
        return String.format("U+%04X", codePoint);
    }

    /** Gathers ranges in order of their first, merging what touches. */
    private static final class Ranges {
        private int[] bounds = new int[8];
        private int used;

        void add(int first, int last) {
            if (first <= LAST_SURROGATE && last >= FIRST_SURROGATE) {
                if (first < FIRST_SURROGATE) {
                    put(first, FIRST_SURROGATE - 1);
                }
                if (last > LAST_SURROGATE) {
                    put(LAST_SURROGATE + 1, last);
                }
            } else {
                put(first, last);
            }
        }

        private void put(int first, int last) {
            if (used > 0 && first <= bounds[used - 1] + 1) {
                bounds[used - 1] = Math.max(bounds[used - 1], last);
                return;
            }
            if (used == bounds.length) {
                bounds = Arrays.copyOf(bounds, 2 * used);
            }
            bounds[used++] = first;
            bounds[used++] = last;
        }

        CodePoints build() {
            return used == 0 ? NONE : new CodePoints(Arrays.copyOf(bounds, used));
        }
    }

    public boolean isEmpty() {
        return bounds.length == 0;
    }

    /** How many ranges. */
    public int ranges() {
        return bounds.length / 2;
    }

    public int first(int range) {
        return bounds[2 * range];
    }

    public int last(int range) {
        return bounds[2 * range + 1];
    }

    public boolean contains(int codePoint) {
        int at = Arrays.binarySearch(bounds, codePoint);
        return at >= 0 || (-at - 1) % 2 == 1;
    }

    public CodePoints union(CodePoints other) {
        int[] both = Arrays.copyOf(bounds, bounds.length + other.bounds.length);
        System.arraycopy(other.bounds, 0, both, bounds.length, other.bounds.length);
        return ofRanges(both);
    }

    public CodePoints intersect(CodePoints other) {
        var out = new Ranges();
        for (int i = 0, j = 0; i < ranges() && j < other.ranges();) {
            int first = Math.max(first(i), other.first(j));
            int last = Math.min(last(i), other.last(j));
            if (first <= last) {
                out.add(first, last);
            }
            if (last(i) < other.last(j)) {
                i++;
            } else {
                j++;
            }
        }
        return out.build();
    }

    public CodePoints complement() {
        var out = new Ranges();
        int next = 0;
        for (int i = 0; i < ranges(); i++) {
            if (next < first(i)) {
                out.add(next, first(i) - 1);
            }
            next = last(i) + 1;
        }
        if (next <= Character.MAX_CODE_POINT) {
            out.add(next, Character.MAX_CODE_POINT);
        }
        return out.build();
    }

    public CodePoints minus(CodePoints other) {
        return intersect(other.complement());
    }

    /**
     * Cuts the code points into the coarsest parts that each set holds wholly or not at all.
     *
     * @return the first code point of each part, ascending, beginning with 0
     */
    public static int[] cuts(Iterable<CodePoints> sets) {
        List<Integer> cuts = new ArrayList<>(List.of(0));
        for (CodePoints s : sets) {
            for (int i = 0; i < s.ranges(); i++) {
                cuts.add(s.first(i));
                cuts.add(s.last(i) + 1);
            }
        }
        return cuts.stream().mapToInt(Integer::intValue).filter(c -> c <= Character.MAX_CODE_POINT).sorted().distinct().toArray();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof CodePoints c && Arrays.equals(bounds, c.bounds);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bounds);
    }

    @Override
    public String toString() {
        var text = new StringBuilder("[");
        for (int i = 0; i < ranges(); i++) {
            text.append(i == 0 ? "" : " ").append(name(first(i))).append(first(i) == last(i) ? "" : "-" + name(last(i)));
        }
        return text.append(']').toString();
    }
}
