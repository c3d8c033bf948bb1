package io.jllm.engine.watch;

import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The newest counts, and older ones to tell recent rates by: the last of each second in which something happened. Written by the
 * engine's thread, read by all.
 */
final class RecentCounts {
    static final long SECOND = 1_000_000_000;
    /** Rates are of this many nanoseconds. */
    static final long WINDOW = 10 * SECOND;
    /** More than seconds in the window, for its beginning may fall anywhere in the oldest of them. */
    private static final int KEPT = 16;

    private final AtomicReferenceArray<EngineCounts> ofSeconds = new AtomicReferenceArray<>(KEPT);
    private volatile EngineCounts newest;
    private int seconds;

    RecentCounts(EngineCounts first) {
        newest = first;
        ofSeconds.set(seconds++, first);
    }

    void add(EngineCounts counts) {
        EngineCounts before = newest;
        if (counts.at() / SECOND != before.at() / SECOND) {
            ofSeconds.set(seconds++ % KEPT, before);
        }
        newest = counts;
    }

    EngineCounts newest() {
        return newest;
    }

    /**
     * The counts when a window that ends now began: exact after a pause, else those at the end of the second before. Nothing
     * older than a second before the window counts into it.
     */
    EngineCounts base(long now) {
        EngineCounts base = newest;
        if (base.at() <= now - WINDOW) {
            return base;
        }
        EngineCounts oldest = base;
        base = null;
        for (int i = 0; i < KEPT; i++) {
            EngineCounts c = ofSeconds.get(i);
            if (c != null) {
                oldest = c.at() < oldest.at() ? c : oldest;
                base = c.at() <= now - WINDOW && (base == null || c.at() > base.at()) ? c : base;
            }
        }
        return base == null ? oldest : base;
    }

    /** The time that rates since {@link #base} are of. */
    static long window(EngineCounts base, long now) {
        return now - Math.max(base.at(), now - WINDOW - SECOND);
    }
}
