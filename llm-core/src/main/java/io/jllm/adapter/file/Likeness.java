package io.jllm.adapter.file;

import io.jllm.quant.DType;
import io.jllm.quant.Weights;

/** Whether two matrices are the same, but for the rounding of the one that is stored in fewer bits. */
final class Likeness {
    /** Half of the smallest step of halves. */
    private static final double LEAST = 0x1p-25;

    private Likeness() {
    }

    /** Whether {@code a} rounded to the type of {@code b} may be {@code b}. Values in blocks are compared as they are. */
    static boolean same(Weights a, Weights b) {
        if (a.rows() != b.rows() || a.cols() != b.cols()) {
            return false;
        }
        double part = Math.max(rounding(a), rounding(b));
        int cols = Math.toIntExact(a.cols());
        var x = new float[cols];
        var y = new float[cols];
        for (long r = 0; r < a.rows(); r++) {
            a.decode(r, 1, x, 0);
            b.decode(r, 1, y, 0);
            for (int c = 0; c < cols; c++) {
                if (!(Math.abs((double) x[c] - y[c]) <= Math.max(part * Math.abs(x[c]), part == 0 ? 0 : LEAST))) {
                    return false;
                }
            }
        }
        return true;
    }

    /** How far a value may be from its rounded one, as a part of it. */
    private static double rounding(Weights w) {
        return switch (w.stored().orElse(DType.F32)) {
            case F16 -> 0x1p-11;
            case BF16 -> 0x1p-8;
            default -> 0;
        };
    }
}
