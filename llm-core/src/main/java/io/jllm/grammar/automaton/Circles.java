package io.jllm.grammar.automaton;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/** Order and circles in a graph, each of whose nodes has a set of followers. Nothing here recurs, for paths may be long. */
final class Circles {
    private Circles() {
    }

    /** The place of each node in an order in which it comes before its followers, but where there are circles. */
    static int[] ranks(List<BitSet> followers) {
        int[] ranks = new int[followers.size()];
        var seen = new BitSet();
        int next = ranks.length;
        var path = new ArrayDeque<int[]>();
        for (int root = 0; root < ranks.length; root++) {
            if (!seen.get(root)) {
                seen.set(root);
                path.push(new int[] {root, 0});
            }
            while (!path.isEmpty()) {
                int[] at = path.peek();
                int child = followers.get(at[0]).nextSetBit(at[1]);
                if (child < 0) {
                    ranks[at[0]] = --next;
                    path.pop();
                } else {
                    at[1] = child + 1;
                    if (!seen.get(child)) {
                        seen.set(child);
                        path.push(new int[] {child, 0});
                    }
                }
            }
        }
        return ranks;
    }

    /** The groups of nodes that lie on circles with each other, and nodes that follow themselves, by Kosaraju's method. */
    static List<BitSet> of(List<BitSet> followers) {
        int nodes = followers.size();
        int[] ranks = ranks(followers);
        int[] order = new int[nodes];
        List<BitSet> before = new ArrayList<>();
        for (int n = 0; n < nodes; n++) {
            order[ranks[n]] = n;
            before.add(new BitSet());
        }
        for (int n = 0; n < nodes; n++) {
            int from = n;
            followers.get(n).stream().forEach(to -> before.get(to).set(from));
        }
        int[] group = new int[nodes];
        Arrays.fill(group, -1);
        List<BitSet> circles = new ArrayList<>();
        for (int root : order) {
            if (group[root] < 0) {
                BitSet members = gather(root, before, group);
                if (members.cardinality() > 1 || followers.get(root).get(root)) {
                    circles.add(members);
                }
            }
        }
        return circles;
    }

    private static BitSet gather(int root, List<BitSet> before, int[] group) {
        var members = new BitSet();
        var todo = new ArrayDeque<Integer>();
        group[root] = root;
        todo.push(root);
        while (!todo.isEmpty()) {
            int n = todo.pop();
            members.set(n);
            before.get(n).stream().filter(b -> group[b] < 0).forEach(b -> {
                group[b] = root;
                todo.push(b);
            });
        }
        return members;
    }
}
