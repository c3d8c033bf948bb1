package io.jllm.quant.codec.block;

import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;

/** What encoders ask of a group of finite values. Of equal ones the first counts, which may tell a zero's sign. */
public final class Groups {
    private Groups() {
    }

    /** The value of the largest magnitude, with its sign; a positive zero if there is no other. */
    public static float peak(float[] x, int at, int count) {
        float peak = 0;
        for (int i = at; i < at + count; i++) {
            if (Math.abs(x[i]) > Math.abs(peak)) {
                peak = x[i];
            }
        }
        return peak;
    }

    /** The least value. */
    public static float least(float[] x, int at, int count) {
        float least = x[at];
        for (int i = at; i < at + count; i++) {
            if (x[i] < least) {
                least = x[i];
            }
        }
        return least;
    }

    /** The greatest value. */
    public static float greatest(float[] x, int at, int count) {
        float greatest = x[at];
        for (int i = at; i < at + count; i++) {
            if (x[i] > greatest) {
                greatest = x[i];
            }
        }
        return greatest;
    }

    /** The sum of values, from the first on. */
    public static float sum(float[] x) {
        float sum = 0;
        for (float v : x) {
            sum += v;
        }
        return sum;
    }

    /** The sum of squares, from the first on. */
    public static float sumOfSquares(float[] x, int at, int count) {
        float sum = 0;
        for (int i = at; i < at + count; i++) {
            sum += x[i] * x[i];
        }
        return sum;
    }

    /**
     * Lays integers from 0 to {@code steps} evenly from the least value to the greatest, and stores their step and the least value, in
     * half precision.
     *
     * @param q receives an integer for each value; its length is that of the group
     */
    public static void spread(DType type, int steps, float[] x, int at, byte[] q, MemorySegment dst, long offset) {
        float least = least(x, at, q.length);
        float d = (greatest(x, at, q.length) - least) / steps;
        float inverse = d == 0 ? 0 : 1 / d;
        Blocks.putHalf(type, d, dst, offset);
        Blocks.putHalf(type, least, dst, offset + Short.BYTES);
        for (int j = 0; j < q.length; j++) {
            q[j] = (byte) Math.clamp((int) ((x[at + j] - least) * inverse + 0.5f), 0, steps);
        }
    }
}
