package io.jllm.jmh.kernels;

import io.jllm.cpu.kernels.Matrix;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.StoredMatrix;
import io.jllm.cpu.kernels.StoredProducts;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Layout;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.tier.KernelChoice;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** A matrix of random weights and kernels that multiply it by tokens. Parts of it may be computed by several threads at once. */
final class Product {
    private static final int LINE = 64;
    /** Without that bit of its exponent, a number in half precision is below 512. */
    private static final int MODEST = ~0x2000;
    /** What the power 0 is stored as, and below which number powers are small. */
    private static final int ONE = 128;
    private static final int NIBBLE = 15;
    private static final int POWERS = 8;
    private static final float FACTOR = 0x1p-6f;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Optional<PackedProducts> packedProducts;
    private final StoredProducts storedProducts;
    private final Matrix matrix;
    private final long bytes;

    /** The stored weights as these kernels want them. */
    Product(Arena arena, KernelChoice kernels, Tensor stored) {
        packedProducts = WeightFormat.of(stored.type()).flatMap(kernels.kernels()::packed);
        storedProducts = kernels.kernels().stored();
        if (packedProducts.isPresent()) {
            var format = WeightFormat.of(stored).orElseThrow();
            bytes = format.bytes(stored.rows(), stored.cols());
            PackedMatrix packed = PackedMatrix.of(format, kernels.kernels().memory().allocate(arena, bytes), (int) stored.rows(),
                    (int) stored.cols());
            packed.pack(stored, 0, 0, packed.groups());
            matrix = packed;
        } else {
            bytes = stored.data().byteSize();
            matrix = StoredMatrix.of(stored, new float[0]);
        }
    }

    /** Whether weights are rearranged: then results are the same to the last bit as with all other kernels that do so. */
    boolean packed() {
        return matrix instanceof PackedMatrix;
    }

    /** Bytes of weights. */
    long bytes() {
        return bytes;
    }

    /** What a product takes: floats, and the same as kernels for rearranged weights want them, if such are used. */
    record Tokens(Rows floats, Optional<BlockRows> arranged, int count) {
    }

    /** Arranges tokens. */
    Tokens tokens(Arena arena, Rows floats, int count) {
        return switch (matrix) {
            case PackedMatrix p -> {
                PackedProducts packed = packedProducts.orElseThrow();
                TokenFormat format = packed.tokens();
                var arranged = new BlockRows(format, arena.allocate(format.bytes(count, p.cols()), LINE), p.cols());
                var workspace = new Workspace(arena, p.cols());
                for (int t = 0; t < count; t += BlockRows.GROUP) {
                    packed.arrange(floats, t, count, arranged, workspace);
                }
                yield new Tokens(floats, Optional.of(arranged), count);
            }
            case StoredMatrix _ -> new Tokens(floats, Optional.empty(), count);
        };
    }

    /** Rows {@code from}, a multiple of 16, to {@code to} (exclusive; one too, or the last). */
    void run(int from, int to, Tokens x, Target out, Workspace workspace) {
        switch (matrix) {
            case PackedMatrix p -> packedProducts.orElseThrow().linear(p, from, to, x.arranged().orElseThrow(), x.count(), out, workspace);
            case StoredMatrix s -> storedProducts.linear(s, from, to, x.floats(), x.count(), out, workspace);
        }
    }

    /** Weights of random bytes, with scales of a modest size. */
    static Tensor weights(Arena arena, long seed, DType type, int rows, int cols) {
        MemorySegment data = arena.allocate(type.bytes((long) rows * cols), LINE);
        var random = new SplittableRandom(seed);
        Layout layout = WeightFormat.of(type).orElseThrow(() -> new IllegalArgumentException("no random weights of type " + type)).layout();
        for (long i = 0; i + Long.BYTES <= data.byteSize(); i += Long.BYTES) {
            data.set(ValueLayout.JAVA_LONG_UNALIGNED, i, random.nextLong());
        }
        for (long at = 0; at < data.byteSize(); at += type.blockBytes()) {
            switch (type) {
                // a sign, an exponent around that of 1, some bits behind the point
                case BF16 -> data.set(SHORT, at, (short) (data.get(SHORT, at) & 0x81ff | 0x3e00));
                case F32 -> data.set(Rows.FLOAT, at, (float) random.nextDouble(-2, 2));
                default -> {
                    for (int half : layout.halves()) {
                        modest(data, at + half);
                    }
                    for (int power : layout.powers()) {
                        data.set(Layout.BYTE, at + power, (byte) (ONE + data.get(Layout.BYTE, at + power) % POWERS));
                    }
                    for (int zero : layout.zeros()) {
                        data.set(Layout.BYTE, at + zero, (byte) (data.get(Layout.BYTE, at + zero) & NIBBLE));
                    }
                    for (int factor : layout.factors()) {
                        data.set(Rows.FLOAT, at + factor, FACTOR);
                    }
                    for (int whole : layout.floats()) {
                        data.set(Rows.FLOAT, at + whole, (float) random.nextDouble(-2, 2));
                    }
                }
            }
        }
        return new Tensor("random", type, rows, cols, data);
    }

    private static void modest(MemorySegment data, long at) {
        data.set(SHORT, at, (short) (data.get(SHORT, at) & MODEST));
    }

    /** Tokens of random floats around 0. */
    static Rows floats(Arena arena, RandomGenerator random, int tokens, int cols) {
        var rows = new Rows(arena.allocate((long) tokens * cols * Float.BYTES, LINE), 0, cols);
        for (long i = 0; i < (long) tokens * cols; i++) {
            rows.data().set(Rows.FLOAT, i * Float.BYTES, (float) random.nextGaussian());
        }
        return rows;
    }

    /** Room for what comes out. */
    static Rows outputs(Arena arena, int tokens, int rows) {
        return new Rows(arena.allocate((long) tokens * rows * Float.BYTES, LINE), 0, rows);
    }
}
