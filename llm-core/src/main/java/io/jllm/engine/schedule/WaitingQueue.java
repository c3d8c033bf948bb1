package io.jllm.engine.schedule;

import io.jllm.engine.sequence.SchedulingUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SequencedCollection;
import java.util.TreeSet;

/**
 * The units that wait for a place in the batch. The next to join is the one of the best rank: by priority, and by age among equals.
 * But when {@link #PATIENCE} others have joined since the oldest could have, the oldest is next, and keeps the best rank from then
 * on, so that it is not put back for those that it was kept waiting for. So of any {@code PATIENCE + 1} units that join one is the
 * oldest, and a unit with m older ones before it joins after at most {@code (PATIENCE + 1) * (m + 1)} others, whatever their
 * priorities. Units whose readers are behind are passed over.
 */
final class WaitingQueue {
    /** How many may join one after the other while the oldest waits. */
    static final int PATIENCE = 8;
    /** Those who go first and stay longest come first. */
    static final Comparator<SchedulingUnit> RANK = Comparator.comparing(SchedulingUnit::promoted).reversed()
            .thenComparingInt(u -> u.group().params().priority()).thenComparing(WaitingQueue::byAge);

    private final TreeSet<SchedulingUnit> byRank = new TreeSet<>(RANK);
    private final TreeSet<SchedulingUnit> byAge = new TreeSet<>(WaitingQueue::byAge);
    private int passed;

    private static int byAge(SchedulingUnit a, SchedulingUnit b) {
        int requests = Long.compare(a.group().id(), b.group().id());
        return requests != 0 ? requests : Integer.compare(a.index(), b.index());
    }

    int size() {
        return byAge.size();
    }

    List<SchedulingUnit> all() {
        return new ArrayList<>(byAge);
    }

    void add(SchedulingUnit u) {
        byRank.add(u);
        byAge.add(u);
    }

    void remove(SchedulingUnit u) {
        byRank.remove(u);
        byAge.remove(u);
    }

    /** The unit that joins the batch next; null if none can. */
    SchedulingUnit next() {
        return first(passed < PATIENCE ? byRank : byAge);
    }

    /** The one who was next joins the batch. */
    void join(SchedulingUnit u) {
        boolean wasOldest = first(byAge) == u;
        remove(u);
        if (wasOldest && passed >= PATIENCE) {
            u.promote();
        }
        passed = wasOldest ? 0 : passed + 1;
    }

    private static SchedulingUnit first(SequencedCollection<SchedulingUnit> units) {
        for (SchedulingUnit u : units) {
            if (!u.group().paused()) {
                return u;
            }
        }
        return null;
    }
}
