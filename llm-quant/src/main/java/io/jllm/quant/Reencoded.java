package io.jllm.quant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Weights of a kind that no file has, read as a type that files have, for backends that know of nothing else. Whole numbers of 2 to 4 bits in
 * blocks become {@link DType#Q5_0}, with the same values: a number less its zero has 5 bits with its sign. All else becomes {@link DType#F16},
 * rounded to half precision.
 */
public final class Reencoded implements Part {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int RUN = WholeNumbers.RUN;
    private static final int HALF = RUN / 2;
    private static final int MIDDLE = 16;
    private static final int NIBBLE = 15;
    private static final int MOST_BITS = 4;

    private final Weights weights;
    /** What numbers of blocks are; empty if values become halves. */
    private final Optional<WholeNumbers> whole;

    private Reencoded(Weights weights) {
        this.weights = weights;
        whole = weights.stored().flatMap(WholeNumbers::of).filter(w -> w.bits() <= MOST_BITS);
    }

    /** The same weights if files have their type, else what they are read as. Nothing is read yet. */
    public static Weights of(Weights w) {
        return w.stored().filter(type -> type.ggmlId() >= 0).isPresent() ? w : new Assembled(w.name(), List.of(new Reencoded(w)));
    }

    @Override
    public DType type() {
        return whole.isPresent() ? DType.Q5_0 : DType.F16;
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
        Objects.checkFromIndexSize(0, type().bytes(count * cols()), to.byteSize());
        if (whole.isPresent()) {
            blocks(whole.get(), row, count, to);
            return;
        }
        int cols = Math.toIntExact(cols());
        var values = new float[cols];
        Encoder halves = Encoder.of(DType.F16).orElseThrow();
        for (long r = 0; r < count; r++) {
            weights.decode(row + r, 1, values, 0);
            halves.encode(values, 0, cols, to, r * DType.F16.bytes(cols));
        }
    }

    private void blocks(WholeNumbers from, long row, long count, MemorySegment to) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stored = arena.allocate(weights.rowBytes());
            var numbers = new byte[RUN];
            long place = 0;
            for (long r = row; r < row + count; r++) {
                weights.read(r, 1, stored);
                for (long block = 0; block < stored.byteSize(); block += from.type().blockBytes()) {
                    int zero = stored.get(ValueLayout.JAVA_BYTE, block + Short.BYTES) & 0xFF;
                    long run = block + WholeNumbers.HEADER;
                    for (int c = 0; c < from.type().blockElements(); c += RUN, run += from.runBytes(), place += DType.Q5_0.blockBytes()) {
                        from.unpack(stored, run, numbers);
                        to.set(SHORT, place, stored.get(SHORT, block));
                        fiveBits(numbers, zero, to, place + Short.BYTES);
                    }
                }
            }
        }
    }

    /** The fifth bits of all numbers, then the others; 16 is added to what has a sign. */
    private static void fiveBits(byte[] numbers, int zero, MemorySegment to, long at) {
        int fifth = 0;
        for (int i = 0; i < RUN; i++) {
            int value = numbers[i] - zero + MIDDLE;
            fifth |= (value >> 4) << i;
            numbers[i] = (byte) (value & NIBBLE);
        }
        to.set(INT, at, fifth);
        for (int i = 0; i < HALF; i++) {
            to.set(ValueLayout.JAVA_BYTE, at + Integer.BYTES + i, (byte) (numbers[i] | numbers[i + HALF] << 4));
        }
    }
}
