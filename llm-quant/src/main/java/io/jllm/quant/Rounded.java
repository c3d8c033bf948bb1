package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Weights of any kind, each value rounded to a type that has it by itself: for those who do not compute with weights as they are stored, or take
 * apart what stands in blocks.
 */
public final class Rounded implements Part {
    /** Values that are read at once. */
    private static final int PIECE = 1 << 16;

    private final Weights weights;
    private final DType type;

    private Rounded(Weights weights, DType type) {
        this.weights = weights;
        this.type = type;
    }

    /**
     * The same weights in another type. Nothing is read yet.
     *
     * @param type one with an {@link Encoder}, and without blocks
     */
    public static Weights of(Weights w, DType type) {
        return new Assembled(w.name(), List.of(new Rounded(w, type)));
    }

    /**
     * The same weights, of which 8-bit floats with scales in blocks ({@link DType#F8_64}) are {@link DType#BF16}, as the checkpoints' own programs
     * unpack them; all others are as they were.
     */
    public static Weights apart(Weights w) {
        return w.stored().equals(Optional.of(DType.F8_64)) ? of(w, DType.BF16) : w;
    }

    @Override
    public DType type() {
        return type;
    }

    @Override
    public long rows() {
        return weights.rows();
    }

    @Override
    public long cols() {
        return weights.cols();
    }

    @Override
    public void read(long row, long count, MemorySegment to) {
        Objects.checkFromIndexSize(row, count, rows());
        Objects.checkFromIndexSize(0, type.bytes(count * cols()), to.byteSize());
        int cols = Math.toIntExact(cols());
        int piece = (int) Math.min(Math.max(1, PIECE / Math.max(1, cols)), Math.max(1, count));
        var values = new float[Math.multiplyExact(piece, cols)];
        Encoder encoder = Encoder.of(type).orElseThrow();
        for (long done = 0; done < count; done += piece) {
            int n = (int) Math.min(piece, count - done);
            weights.decode(row + done, n, values, 0);
            encoder.encode(values, 0, n * cols, to, type.bytes(done * cols));
        }
    }
}
