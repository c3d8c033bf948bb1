package io.jllm.engine.kv;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Which KV blocks to copy before a step computes. Copies come in rounds, to be made one after the other: within a round no
 * block that is written is read or written by another copy, so a device may make all of them at once.
 */
public final class BlockCopies {
    private final List<int[]> rounds = new ArrayList<>();
    private final List<Integer> pairs = new ArrayList<>();
    private final Set<Integer> read = new HashSet<>();
    private final Set<Integer> written = new HashSet<>();

    void add(int from, int to) {
        // A block that a sequence gave back within the step may serve another one in it.
        if (written.contains(from) || written.contains(to) || read.contains(to)) {
            endRound();
        }
        pairs.add(from);
        pairs.add(to);
        read.add(from);
        written.add(to);
    }

    /** All rounds, each pairs of from and to; nothing is left here. */
    public List<int[]> take() {
        endRound();
        List<int[]> all = List.copyOf(rounds);
        rounds.clear();
        return all;
    }

    private void endRound() {
        if (!pairs.isEmpty()) {
            rounds.add(pairs.stream().mapToInt(Integer::intValue).toArray());
            pairs.clear();
            read.clear();
            written.clear();
        }
    }
}
