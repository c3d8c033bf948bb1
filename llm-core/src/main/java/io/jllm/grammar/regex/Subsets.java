package io.jllm.grammar.regex;

import io.jllm.grammar.CodePoints;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Turns a regular expression into an automaton: Thompson's method, and then sets of its states. */
final class Subsets {
    private static final int MAX_NODES = 60_000;

    private final List<Node> nodes = new ArrayList<>();
    private final int end;

    /** A state, with its ways by characters, by nothing, and by nothing where the text begins or ends. */
    private static final class Node {
        private CodePoints by = CodePoints.NONE;
        private int to;
        private final List<Integer> free = new ArrayList<>(2);
        private int atBegin = -1;
        private int atEnd = -1;
    }

    private record Subset(BitSet of) {
    }

    Subsets(Regex regex) {
        end = add(node(), regex);
    }

    private int node() {
        if (nodes.size() >= MAX_NODES) {
            throw new IllegalArgumentException("a pattern is too large: written out, its repetitions have more than " + MAX_NODES
                    + " characters; make its repetitions smaller");
        }
        nodes.add(new Node());
        return nodes.size() - 1;
    }

    private int add(int from, Regex regex) {
        return switch (regex) {
            case Regex.Chars c -> {
                int by = node();
                nodes.get(from).free.add(by);
                nodes.get(by).by = c.set();
                nodes.get(by).to = node();
                yield nodes.get(by).to;
            }
            case Regex.Seq s -> {
                int at = from;
                for (Regex part : s.parts()) {
                    at = add(at, part);
                }
                yield at;
            }
            case Regex.Choice c -> {
                int to = node();
                for (Regex option : c.options()) {
                    int begin = node();
                    nodes.get(from).free.add(begin);
                    nodes.get(add(begin, option)).free.add(to);
                }
                yield to;
            }
            case Regex.Repeat r -> repeat(from, r);
            case Regex.Begin _ -> {
                int begin = node();
                nodes.get(from).free.add(begin);
                nodes.get(begin).atBegin = node();
                yield nodes.get(begin).atBegin;
            }
            case Regex.End _ -> {
                int begin = node();
                nodes.get(from).free.add(begin);
                nodes.get(begin).atEnd = node();
                yield nodes.get(begin).atEnd;
            }
        };
    }

    private int repeat(int from, Regex.Repeat r) {
        int at = from;
        for (int i = 0; i < r.least(); i++) {
            at = add(at, r.part());
        }
        int to = node();
        if (r.most() == io.jllm.grammar.Expr.Repeat.UNLIMITED) {
            int loop = node();
            nodes.get(at).free.add(loop);
            nodes.get(add(loop, r.part())).free.add(loop);
            nodes.get(loop).free.add(to);
            return to;
        }
        nodes.get(at).free.add(to);
        for (int i = r.least(); i < r.most(); i++) {
            at = add(at, r.part());
            nodes.get(at).free.add(to);
        }
        return to;
    }

    Dfa build() {
        int[] cuts = CodePoints.cuts(nodes.stream().map(n -> n.by).filter(b -> !b.isEmpty()).distinct().toList());
        Map<Subset, Integer> numbers = new HashMap<>();
        List<BitSet> subsets = new ArrayList<>();
        List<int[]> next = new ArrayList<>();
        List<Boolean> ends = new ArrayList<>();
        var first = new BitSet();
        first.set(0);
        subsets.add(closure(first, true, false));
        // The begin of a text is a state of its own: only there may ^ be passed.
        for (int i = 0; i < subsets.size(); i++) {
            Dfa.check(subsets.size(), cuts.length);
            BitSet subset = subsets.get(i);
            ends.add(closure(subset, i == 0, true).get(end));
            int[] row = new int[cuts.length];
            Arrays.fill(row, -1);
            BitSet[] targets = targets(subset, cuts);
            for (int p = 0; p < cuts.length; p++) {
                if (targets[p] != null) {
                    BitSet closed = closure(targets[p], false, false);
                    Integer known = numbers.putIfAbsent(new Subset(closed), subsets.size());
                    if (known == null) {
                        known = subsets.size();
                        subsets.add(closed);
                    }
                    row[p] = known;
                }
            }
            next.add(row);
        }
        return Dfa.smallest(cuts, next, ends);
    }

    private BitSet[] targets(BitSet subset, int[] cuts) {
        BitSet[] targets = new BitSet[cuts.length];
        for (int n = subset.nextSetBit(0); n >= 0; n = subset.nextSetBit(n + 1)) {
            CodePoints by = nodes.get(n).by;
            for (int r = 0; r < by.ranges(); r++) {
                for (int p = Arrays.binarySearch(cuts, by.first(r)); p < cuts.length && cuts[p] <= by.last(r); p++) {
                    if (targets[p] == null) {
                        targets[p] = new BitSet();
                    }
                    targets[p].set(nodes.get(n).to);
                }
            }
        }
        return targets;
    }

    private BitSet closure(BitSet of, boolean begin, boolean atEnd) {
        BitSet out = (BitSet) of.clone();
        var todo = new ArrayDeque<Integer>();
        of.stream().forEach(todo::push);
        while (!todo.isEmpty()) {
            Node n = nodes.get(todo.pop());
            n.free.forEach(t -> reach(t, out, todo));
            if (begin && n.atBegin >= 0) {
                reach(n.atBegin, out, todo);
            }
            if (atEnd && n.atEnd >= 0) {
                reach(n.atEnd, out, todo);
            }
        }
        return out;
    }

    private static void reach(int node, BitSet out, ArrayDeque<Integer> todo) {
        if (!out.get(node)) {
            out.set(node);
            todo.push(node);
        }
    }
}
