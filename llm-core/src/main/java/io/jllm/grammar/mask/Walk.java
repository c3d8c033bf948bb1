package io.jllm.grammar.mask;

import io.jllm.grammar.automaton.Machine;
import io.jllm.grammar.automaton.State;
import java.util.Arrays;
import java.util.function.Predicate;

/** Finds the tokens that a grammar allows in a state: a slice of them at once where it can, and the others by a walk through the tree. */
final class Walk {
    private static final long[] NO_BASE = {};
    /** What objects around the ids take, in ints. */
    private static final int OBJECTS = 32;

    private final Machine machine;
    private final TokenTable table;
    private State[] path = new State[64];
    private int[] found = new int[64];
    private int count;
    private Predicate<State> wanted;
    private long farthest;

    Walk(Machine machine, TokenTable table) {
        this.machine = machine;
        this.table = table;
    }

    /**
     * The tokens that lead to states that are wanted.
     *
     * @param fits whether a state is wanted, if it is not dead
     */
    Allowed allowed(State state, Predicate<State> fits) {
        farthest = 0;
        wanted = s -> {
            farthest = Math.max(farthest, s.distance());
            return fits.test(s);
        };
        Slice best = null;
        int free = 0;
        for (Slice s : table.slices()) {
            if (best != null && s.size(Slice.ANY) <= best.size(free)) {
                continue;
            }
            int more = s.free(machine, state, wanted);
            if (more > 0 && (best == null || s.size(more) > best.size(free))) {
                best = s;
                free = more;
            }
        }
        count = 0;
        if (best == null) {
            walk(table.trie(), state, null, 0);
        } else {
            walk(best.rest(free), state, best, free);
        }
        long[] base = best == null ? NO_BASE : best.mask(free);
        return packed(base, Arrays.copyOf(found, count));
    }

    /** Many tokens take less room as a mask of their own. */
    private Allowed packed(long[] base, int[] more) {
        Allowed sparse = new Allowed(base, more, more.length + OBJECTS, farthest);
        if (more.length < 2 * table.words()) {
            return sparse;
        }
        long[] dense = new long[table.words()];
        sparse.fill(dense);
        return new Allowed(dense, new int[0], 2 * dense.length + OBJECTS, farthest);
    }

    private void walk(TokenTrie trie, State start, Slice slice, int free) {
        path[0] = start;
        int nodes = trie.size();
        for (int n = 0; n < nodes;) {
            if (slice != null && slice.covers(n, free)) {
                n = trie.skip(n);
                continue;
            }
            int depth = trie.depth(n);
            State to = machine.after(path[depth], machine.classOf(trie.label(n)));
            if (to.dead()) {
                n = trie.skip(n);
                continue;
            }
            if (depth + 1 == path.length) {
                path = Arrays.copyOf(path, 2 * path.length);
            }
            path[depth + 1] = to;
            if (trie.first(n) < trie.first(n + 1) && wanted.test(to)) {
                for (int t = trie.first(n); t < trie.first(n + 1); t++) {
                    add(trie.id(t));
                }
            }
            n++;
        }
    }

    private void add(int id) {
        if (count == found.length) {
            found = Arrays.copyOf(found, 2 * count);
        }
        found[count++] = id;
    }
}
