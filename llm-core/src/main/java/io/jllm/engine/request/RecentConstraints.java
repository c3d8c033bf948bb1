package io.jllm.engine.request;

import io.jllm.constraint.Constraint;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Constraints that are asked for again and again: the last few, with what was found out about them. Safe for all threads.
 *
 * @param <K> what they are made of
 */
public final class RecentConstraints<K> {
    private final Map<K, Constraint> known;

    /** @param kept how many are remembered */
    public RecentConstraints(int kept) {
        known = new LinkedHashMap<>(kept, 0.75f, true) {
            private static final long serialVersionUID = 1;

            @Override
            protected boolean removeEldestEntry(Map.Entry<K, Constraint> eldest) {
                return size() > kept;
            }
        };
    }

    /** The constraint of a key: a known one, or one that is made now, while others do not wait. */
    public Constraint of(K key, Function<K, Constraint> maker) {
        synchronized (known) {
            Constraint of = known.get(key);
            if (of != null) {
                return of;
            }
        }
        Constraint made = maker.apply(key);
        synchronized (known) {
            return known.merge(key, made, (first, _) -> first);
        }
    }
}
