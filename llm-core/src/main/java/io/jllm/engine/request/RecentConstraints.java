package io.jllm.engine.request;

import io.jllm.constraint.Constraint;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Constraints that are asked for again and again: the last few, with what was found out about them, as long as that is not too much memory; of the
 * last one it may be. Safe for all threads.
 *
 * @param <K> what they are made of
 */
public final class RecentConstraints<K> {
    /** What they may take together. */
    private static final long MOST_BYTES = 64L << 20;

    private final int kept;
    private final Map<K, Constraint> known = new LinkedHashMap<>(16, 0.75f, true);

    /** @param kept how many are remembered */
    public RecentConstraints(int kept) {
        this.kept = kept;
    }

    /** The constraint of a key: a known one, or one that is made now, while others do not wait. */
    public Constraint of(K key, Function<K, Constraint> maker) {
        synchronized (known) {
            Constraint of = known.get(key);
            if (of != null) {
                forget();
                return of;
            }
        }
        Constraint made = maker.apply(key);
        synchronized (known) {
            Constraint first = known.merge(key, made, (before, _) -> before);
            forget();
            return first;
        }
    }

    /** Those that were not asked for for the longest time, until the others are few and small enough. */
    private void forget() {
        long bytes = known.values().stream().mapToLong(Constraint::bytes).sum();
        for (var eldest = known.values().iterator(); known.size() > kept || bytes > MOST_BYTES && known.size() > 1;) {
            bytes -= eldest.next().bytes();
            eldest.remove();
        }
    }
}
