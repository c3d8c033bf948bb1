package io.jllm.cuda.weights;

import io.jllm.model.Rope;
import io.jllm.model.Scores;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** Where the vectors of a program stand among each other, as floats: those of the file, and what rotations and linear biases are made of. */
final class VectorPlan {
    /** Floats to which vectors are aligned. */
    private static final int ALIGNMENT = 64;

    private final Map<String, Integer> named = new HashMap<>();
    private final Map<Rope, Integer> ropes = new HashMap<>();
    private final Map<Rope.Longer.Switched, Integer> longRopes = new HashMap<>();
    private final Map<Scores.Alibi, Integer> slopes = new HashMap<>();
    private final List<float[]> vectors = new ArrayList<>();
    private int floats;

    /** Adds a vector, unless it is there. */
    void add(String name, Supplier<float[]> values) {
        if (!named.containsKey(name)) {
            named.put(name, add(values.get()));
        }
    }

    /** Adds a rotation's frequencies, unless they are there. */
    void frequencies(Rope rope) {
        if (!ropes.containsKey(rope)) {
            ropes.put(rope, add(rope.invFreq()));
        }
        rope.longer().ifPresent(l -> {
            switch (l) {
                case Rope.Longer.Switched s -> longRopes.computeIfAbsent(s, _ -> add(s.frequencies()));
                case Rope.Longer.Dynamic _ -> { } // a base is all that it needs
            }
        });
    }

    /** Adds the slopes of linear biases, unless they are there. */
    void slopes(Scores.Alibi alibi) {
        slopes.computeIfAbsent(alibi, _ -> add(alibi.slopes()));
    }

    /** Where the vector starts, in floats. */
    private int add(float[] values) {
        int at = floats;
        vectors.add(values);
        floats += aligned(values);
        return at;
    }

    private static int aligned(float[] values) {
        return Math.ceilDiv(values.length, ALIGNMENT) * ALIGNMENT;
    }

    /** Offset in bytes of a vector, if there is one of that name. */
    Optional<Long> offset(String name) {
        return Optional.ofNullable(named.get(name)).map(VectorPlan::inBytes);
    }

    /** Offset in bytes of a rotation's frequencies, which are there. */
    long offset(Rope rope) {
        return inBytes(ropes.get(rope));
    }

    /** Offset in bytes of a rotation's frequencies for long texts, which are there. */
    long offset(Rope.Longer.Switched longer) {
        return inBytes(longRopes.get(longer));
    }

    /** Offset in bytes of the slopes of linear biases, which are there. */
    long offset(Scores.Alibi alibi) {
        return inBytes(slopes.get(alibi));
    }

    private static long inBytes(int at) {
        return (long) Float.BYTES * at;
    }

    /** All of them. */
    float[] floats() {
        var all = new float[floats];
        int at = 0;
        for (float[] v : vectors) {
            System.arraycopy(v, 0, all, at, v.length);
            at += aligned(v);
        }
        return all;
    }

    /** Bytes of all of them. */
    long bytes() {
        return inBytes(floats);
    }
}
