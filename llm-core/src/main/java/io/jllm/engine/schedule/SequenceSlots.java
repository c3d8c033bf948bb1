package io.jllm.engine.schedule;

import io.jllm.engine.sequence.Sequence;
import io.jllm.spi.ModelRunner;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** The small numbers that running sequences go by, and under which the runner keeps state of theirs. */
final class SequenceSlots {
    private static final System.Logger LOG = System.getLogger("io.jllm");

    private final ModelRunner runner;
    private final Deque<Integer> free = new ArrayDeque<>();
    private final boolean[] stale;

    SequenceSlots(ModelRunner runner, int count) {
        this.runner = runner;
        stale = new boolean[count];
        for (int i = 0; i < count; i++) {
            free.add(i);
        }
    }

    int free() {
        return free.size();
    }

    int taken() {
        return stale.length - free.size();
    }

    /** A slot in which the runner keeps nothing. */
    int take() {
        int slot = free.getFirst();
        if (stale[slot]) {
            runner.releaseSlot(slot); // once more, and now it must succeed: the next sequence would be drawn from another's state
            stale[slot] = false;
        }
        return free.removeFirst();
    }

    /** Gives back the slots of those that have one. */
    void give(List<Sequence> sequences) {
        sequences.stream().filter(Sequence::hasSlot).forEach(s -> {
            give(s.slot());
            s.leaveSlot();
        });
    }

    /** Gives a slot back. Never fails: where the runner does, it is asked again before anybody gets the slot. */
    private void give(int slot) {
        free.addFirst(slot);
        try {
            runner.releaseSlot(slot);
        } catch (Throwable t) {
            stale[slot] = true;
            LOG.log(System.Logger.Level.DEBUG, "the backend did not release sequence slot " + slot, t);
        }
    }
}
