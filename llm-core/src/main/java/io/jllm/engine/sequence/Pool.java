package io.jllm.engine.sequence;

import io.jllm.embedding.Pooling;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** One vector made of the hidden states of a text's tokens. Filled by the engine's thread; read by others once the request has ended. */
public final class Pool {
    private final Pooling pooling;
    private final double[] sum;
    private int count;

    /** @param width floats of a hidden state */
    public Pool(Pooling pooling, int width) {
        this.pooling = pooling;
        sum = new double[width];
    }

    /** The first position, from one on, of so many, whose state counts; the largest integer if none does. */
    int next(int from, int length) {
        int next = switch (pooling) {
            case LAST -> length - 1;
            case CLS -> 0;
            case MEAN -> from;
        };
        return next >= from && next < length ? next : Integer.MAX_VALUE;
    }

    void add(MemorySegment states, int row) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] += states.get(ValueLayout.JAVA_FLOAT, ((long) row * sum.length + i) * Float.BYTES);
        }
        count++;
    }

    /**
     * The vector.
     *
     * @param dimensions how many of its first numbers
     * @param normalize whether it gets the length 1; one of zeros stays as it is
     */
    public float[] vector(int dimensions, boolean normalize) {
        double squares = 0;
        for (int i = 0; i < dimensions; i++) {
            squares += sum[i] * sum[i];
        }
        double by = normalize ? squares == 0 ? 1 : Math.sqrt(squares) : Math.max(count, 1);
        var vector = new float[dimensions];
        for (int i = 0; i < dimensions; i++) {
            vector[i] = (float) (sum[i] / by);
        }
        return vector;
    }
}
