package io.jllm.engine.request;

import io.jllm.constraint.Constraint;
import java.util.LinkedHashMap;
import java.util.Map;

/** Constraints by schemas that are asked for again and again: the last few, with what was found out about them. Safe for all threads. */
public final class SchemaConstraints {
    private static final int KEPT = 64;

    private final Map<String, Constraint> known = new LinkedHashMap<>(KEPT, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Constraint> eldest) {
            return size() > KEPT;
        }
    };

    /** The constraint by a schema, as {@link Constraint#jsonSchema} makes it. */
    public Constraint of(String schema) {
        synchronized (known) {
            Constraint of = known.get(schema);
            if (of != null) {
                return of;
            }
        }
        Constraint made = Constraint.jsonSchema(schema); // not while others wait
        synchronized (known) {
            return known.merge(schema, made, (first, _) -> first);
        }
    }
}
