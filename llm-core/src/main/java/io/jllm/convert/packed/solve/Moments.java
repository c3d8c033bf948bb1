package io.jllm.convert.packed.solve;

import io.jllm.convert.packed.algebra.Parallel;
import io.jllm.convert.packed.algebra.Symmetric;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What is known of the inputs of matrices: sums over all of them. For one thread. */
public final class Moments {
    private static final int TOGETHER = 128;

    private final Symmetric squares;
    private final double[] magnitudes;
    private final double[][] waiting;
    private int held;
    private long count;

    /** Of inputs of that many numbers, none of which is known yet. */
    public Moments(int width) {
        squares = new Symmetric(width);
        magnitudes = new double[width];
        waiting = new double[TOGETHER][width];
    }

    /**
     * Adds inputs.
     *
     * @param rows floats in the order of this machine, row after row
     * @param many how many rows
     */
    public void add(MemorySegment rows, int many, Parallel parallel) throws IOException {
        int width = magnitudes.length;
        for (int r = 0; r < many; r++) {
            double[] row = waiting[held];
            for (int i = 0; i < width; i++) {
                row[i] = rows.getAtIndex(ValueLayout.JAVA_FLOAT, (long) r * width + i);
                magnitudes[i] += Math.abs(row[i]);
            }
            if (++held == TOGETHER) {
                flush(parallel);
            }
        }
        count += many;
    }

    private void flush(Parallel parallel) throws IOException {
        squares.addSquares(waiting, held, parallel);
        held = 0;
    }

    /** Bytes that those of so many numbers take. */
    public static long bytes(int width) {
        return (long) width * (width + 1) / 2 * Double.BYTES + (long) (TOGETHER + 1) * width * Double.BYTES;
    }

    /** How many inputs there were. */
    public long count() {
        return count;
    }

    /** The mean of x times its transpose. To be asked for once, after all have been added. */
    public Symmetric meanSquares(Parallel parallel) throws IOException {
        flush(parallel);
        squares.scale(1.0 / count);
        return squares;
    }

    /** The mean magnitude of each number. */
    public double[] meanMagnitudes() {
        var means = new double[magnitudes.length];
        for (int i = 0; i < means.length; i++) {
            means[i] = magnitudes[i] / count;
        }
        return means;
    }
}
