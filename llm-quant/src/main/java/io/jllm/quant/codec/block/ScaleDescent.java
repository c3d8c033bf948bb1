package io.jllm.quant.codec.block;

import java.util.Arrays;

/**
 * Improves a rounding of signed integers integer by integer, the large values counting most.
 *
 * <p>The error and its fall are those of {@link ScaleSearch}. It starts from the scale that maps the largest magnitude to the end of the
 * range. Then each integer in turn moves to the one that is nearest under the best scale of all others, if the error falls by that; five
 * times, or until nothing moves. Only while {@code sum(w x l)} of the others is above zero: a largest value above zero is mapped to the
 * negative end, so that there the first rounding stays. That is ggml's search for Q3_K, with the same order of operations, so that
 * files agree with ggml's to the byte.
 */
public final class ScaleDescent {
    private static final int ROUNDS = 5;
    private static final float TINY = 1e-15f;

    private ScaleDescent() {
    }

    /**
     * Fits {@code x[at..at+n)} by {@code scale * (q - range)}, q from 0 to {@code 2 range - 1}.
     *
     * @param q receives the integers from {@code qAt} on; 0 where the scale is
     * @return the scale, whose sign may be either; 0 for values that are all about zero, infinite for values beyond any scale
     */
    public static float fit(float[] x, int at, int n, int range, byte[] q, int qAt) {
        float peak = Groups.peak(x, at, n);
        if (Math.abs(peak) < TINY) {
            Arrays.fill(q, qAt, qAt + n, (byte) 0);
            return 0;
        }
        float inverse = -range / peak;
        float cross = 0;
        float square = 0;
        for (int i = 0; i < n; i++) {
            float v = x[at + i];
            int l = Math.clamp((int) Math.rint(inverse * v), -range, range - 1);
            float w = v * v;
            q[qAt + i] = (byte) l;
            cross += w * v * l;
            square += w * l * l;
        }
        boolean moved = true;
        for (int round = 0; round < ROUNDS && moved; round++) {
            moved = false;
            for (int i = 0; i < n; i++) {
                float v = x[at + i];
                float w = v * v;
                int l = q[qAt + i];
                float others = cross - w * v * l;
                if (!(others > 0)) {
                    continue;
                }
                float otherSquare = square - w * l * l;
                int better = Math.clamp((int) Math.rint(v * otherSquare / others), -range, range - 1);
                float newCross = others + w * v * better;
                float newSquare = otherSquare + w * better * better;
                if (better != l && newSquare > 0 && newCross * newCross * square > cross * cross * newSquare) {
                    q[qAt + i] = (byte) better;
                    cross = newCross;
                    square = newSquare;
                    moved = true;
                }
            }
        }
        for (int i = qAt; i < qAt + n; i++) {
            q[i] += (byte) range;
        }
        // squares that overflow leave no number: say "too large" rather than nothing
        return !Float.isFinite(cross) || !Float.isFinite(square) ? Float.POSITIVE_INFINITY : square > 0 ? cross / square : 0;
    }
}
