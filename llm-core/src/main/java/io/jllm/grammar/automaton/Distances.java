package io.jllm.grammar.automaton;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.PriorityQueue;

/**
 * How few bytes end the rule that a state is in: shortest ways through automata that call each other, by Knuth's generalisation of Dijkstra's
 * method. Found for all states at once, nearest first, in time that grows little faster than the grammar. Immutable.
 */
final class Distances {
    /** As far as is counted. */
    static final long FAR = 1L << 31;

    /** For each state, the fewest bytes, at least one, that lead from it to an end of its rule. */
    private final long[] more;
    /** For each rule, the fewest bytes that it matches, at least one. */
    private final long[] lengths;
    private final Network network;

    /** A way into a state: from where, and by a call of which rule; -1 for a byte. */
    private record Way(int from, int rule) {
    }

    /** A call and where it leads. */
    private record Call(int from, int to) {
    }

    /** What may be found next: of a state, or of a rule as the complement of its number. */
    private record Found(int what, long distance) {
    }

    private final class Search {
        private final List<List<Way>> into = new ArrayList<>();
        private final List<List<Call>> calls = new ArrayList<>();
        /** Those that repeat each rule. */
        private final List<List<Network.Counter>> counters = new ArrayList<>();
        /** The rule that begins in each state; -1 if none does. */
        private final int[] begun = new int[more.length];
        private final PriorityQueue<Found> queue = new PriorityQueue<>((a, b) -> Long.compare(a.distance, b.distance));

        Search() {
            for (int s = 0; s < more.length; s++) {
                into.add(new ArrayList<>(2));
            }
            for (int r = 0; r < lengths.length; r++) {
                calls.add(new ArrayList<>(2));
                counters.add(new ArrayList<>(0));
            }
            for (int s = 0; s < more.length; s++) {
                int[] bytes = network.bytes(s);
                for (int i = 0; i < bytes.length; i += 3) {
                    into.get(bytes[i + 2]).add(new Way(s, -1));
                }
                int[] called = network.calls(s);
                for (int i = 0; i < called.length; i += 2) {
                    into.get(called[i + 1]).add(new Way(s, called[i]));
                    calls.get(called[i]).add(new Call(s, called[i + 1]));
                }
            }
            network.counters().forEach(c -> counters.get(c.part()).add(c));
            Arrays.fill(begun, -1);
            for (int r = 0; r < lengths.length; r++) {
                if (network.start(r) < begun.length) {
                    begun[network.start(r)] = r;
                }
            }
        }

        void run() {
            for (int s = 0; s < more.length; s++) {
                if (network.ends(s)) {
                    ended(s, 0);
                }
            }
            for (Found next = queue.poll(); next != null; next = queue.poll()) {
                if (next.what < 0) {
                    rule(~next.what, next.distance);
                } else if (next.distance < more[next.what]) {
                    more[next.what] = next.distance;
                    if (!network.ends(next.what)) {
                        ended(next.what, next.distance);
                    }
                    if (begun[next.what] >= 0) {
                        rule(begun[next.what], next.distance);
                    }
                }
            }
        }

        /** An end is known to be so far from a state: what leads into it is as much further. */
        private void ended(int state, long distance) {
            for (Way w : into.get(state)) {
                long step = w.rule < 0 ? 1 : lengths[w.rule];
                if (step < FAR) {
                    queue.add(new Found(w.from, far(step + distance)));
                }
            }
        }

        private void rule(int rule, long length) {
            if (length >= lengths[rule]) {
                return;
            }
            lengths[rule] = length;
            for (Call c : calls.get(rule)) {
                long behind = toEnd(c.to);
                if (behind < FAR) {
                    queue.add(new Found(c.from, far(length + behind)));
                }
            }
            for (Network.Counter c : counters.get(rule)) {
                queue.add(new Found(~c.rule(), far(length * Math.max(1, c.least()))));
            }
        }
    }

    Distances(Network network, int states, int rules) {
        this.network = network;
        more = new long[states];
        lengths = new long[rules];
        Arrays.fill(more, FAR);
        Arrays.fill(lengths, FAR);
        new Search().run();
    }

    private static long far(long distance) {
        return Math.min(distance, FAR);
    }

    /** The fewest bytes from a state, which may be one that counts, to an end of its rule. */
    private long toEnd(int state) {
        if (state < more.length) {
            return network.ends(state) ? 0 : more[state];
        }
        Network.Counter c = network.counter(state);
        return far(c.missing(state) * lengths[c.part()]);
    }

    /** The fewest bytes to the end of the whole text from where a called rule has ended. */
    long behind(int[] states, Node[] callers) {
        long least = FAR;
        for (int i = 0; i < states.length; i++) {
            least = Math.min(least, states[i] == Node.WHOLE ? 0 : toEnd(states[i]) + callers[i].distance);
        }
        return least;
    }

    /** The fewest bytes to the end of the whole text from states that go on, each with what called its rule. */
    long from(int[] states, Node[] nodes) {
        long least = FAR;
        for (int i = 0; i < states.length; i++) {
            least = Math.min(least, more[states[i]] + nodes[i].distance);
        }
        return least;
    }
}
