package io.jllm.grammar.regex;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes an automaton as small as it can be: without states that lead to no end, and with equal states merged (Moore's method). */
final class Smallest {
    private final int[] cuts;
    private final List<int[]> next;
    private final List<Boolean> ends;
    private int[] group;

    private record Row(int[] of) {
        @Override
        public boolean equals(Object o) {
            return o instanceof Row r && Arrays.equals(of, r.of);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(of);
        }
    }

    Smallest(int[] cuts, List<int[]> next, List<Boolean> ends) {
        this.cuts = cuts;
        this.next = next;
        this.ends = ends;
    }

    Dfa build() {
        BitSet useful = useful();
        if (!useful.get(0)) {
            return Dfa.raw(new int[] {0}, new int[0][], new boolean[0]);
        }
        group = new int[next.size()];
        for (int s = 0; s < group.length; s++) {
            group[s] = !useful.get(s) ? -1 : ends.get(s) ? 1 : 0;
        }
        int groups = 0;
        for (int found = refine(useful); found != groups; found = refine(useful)) {
            groups = found;
        }
        return merged(groups);
    }

    /** Splits groups whose states lead to different ones; returns how many there are. */
    private int refine(BitSet useful) {
        Map<Row, Integer> numbers = new HashMap<>();
        int[] finer = new int[group.length];
        Arrays.fill(finer, -1);
        for (int s = useful.nextSetBit(0); s >= 0; s = useful.nextSetBit(s + 1)) {
            int[] row = Arrays.copyOf(next.get(s), cuts.length + 1);
            for (int p = 0; p < cuts.length; p++) {
                row[p] = row[p] < 0 ? -1 : group[row[p]];
            }
            row[cuts.length] = group[s];
            Integer known = numbers.putIfAbsent(new Row(row), numbers.size());
            finer[s] = known == null ? numbers.size() - 1 : known;
        }
        group = finer;
        return numbers.size();
    }

    private Dfa merged(int groups) {
        int[][] ways = new int[groups][];
        boolean[] ending = new boolean[groups];
        for (int s = 0; s < group.length; s++) {
            if (group[s] >= 0 && ways[group[s]] == null) {
                int[] row = next.get(s).clone();
                for (int p = 0; p < row.length; p++) {
                    row[p] = row[p] < 0 ? -1 : group[row[p]];
                }
                ways[group[s]] = row;
                ending[group[s]] = ends.get(s);
            }
        }
        return Dfa.raw(cuts, ways, ending);
    }

    private BitSet useful() {
        List<List<Integer>> from = new ArrayList<>();
        for (int s = 0; s < next.size(); s++) {
            from.add(new ArrayList<>());
        }
        for (int s = 0; s < next.size(); s++) {
            int before = -1;
            for (int to : next.get(s)) {
                if (to >= 0 && to != before) {
                    from.get(to).add(s);
                }
                before = to;
            }
        }
        var useful = new BitSet();
        var todo = new java.util.ArrayDeque<Integer>();
        for (int s = 0; s < next.size(); s++) {
            if (ends.get(s)) {
                useful.set(s);
                todo.push(s);
            }
        }
        while (!todo.isEmpty()) {
            for (int s : from.get(todo.pop())) {
                if (!useful.get(s)) {
                    useful.set(s);
                    todo.push(s);
                }
            }
        }
        return useful;
    }
}
