package io.jllm.cuda.adapter;

import io.jllm.adapter.Adapter;
import io.jllm.adapter.Change;
import io.jllm.adapter.LowRank;
import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.kernels.adapter.AdapterKernels;
import io.jllm.quant.Weights;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * An adapter on the device. Matrices and rows that take others' places keep their type if that is F16, BF16 or F32; so do matrices of low rank, but
 * for those of F32, or of two types, of an adapter that has more than {@link #MOST_FLOAT_BYTES} of low rank: they become F16, of
 * which each number loses up to a 2^11th of itself. Before, a power of two brings the largest of a matrix below the end of the range.
 */
final class AdapterWeights implements AutoCloseable {
    /** Most bytes that the matrices of low rank of an adapter take as floats. */
    static final long MOST_FLOAT_BYTES = 64L << 20;
    private static final long ALIGNMENT = 256;
    /** The largest numbers of F16 are below 2^16. */
    private static final int LARGEST_EXPONENT = 14;

    private final DeviceMemory memory;
    private final Map<Integer, Struct> changes;

    /** What kernels read of a change; offsets of pieces, or -1. */
    private record Struct(long down, long up, long whole, long gain, long shift, long replaced, int rank, ElementType type, ElementType wholeType,
            float scale) {
    }

    private AdapterWeights(DeviceMemory memory, Map<Integer, Struct> changes) {
        this.memory = memory;
        this.changes = changes;
    }

    /** Copies an adapter to the device, whose places are known. */
    static AdapterWeights load(Context context, Adapter adapter, Places places) {
        var layout = new Layout(floats(adapter) <= MOST_FLOAT_BYTES);
        var changes = new HashMap<Integer, Struct>();
        adapter.products().forEach((name, change) -> changes.put(places.product(name), layout.change(change, false)));
        adapter.tables().forEach((name, change) -> changes.put(places.table(name), layout.change(change, true)));
        places.norms().forEach((norm, number) -> {
            Optional<float[]> weight = norm.weight().map(adapter.vectors()::get);
            Optional<float[]> bias = norm.bias().map(adapter.vectors()::get);
            if (weight.isPresent() || bias.isPresent()) {
                changes.put(number, layout.norm(weight, bias));
            }
        });
        DeviceMemory memory = DeviceMemory.allocate(context, layout.bytes, "an adapter");
        try {
            for (int i = 0; i < layout.pieces.size(); i++) {
                layout.pieces.get(i).write(memory, layout.at.get(i));
            }
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        }
        return new AdapterWeights(memory, changes);
    }

    /** Bytes of its matrices of low rank as floats. */
    private static long floats(Adapter adapter) {
        return Stream.concat(adapter.products().values().stream(), adapter.tables().values().stream())
                .flatMap(c -> c.lowRank().stream()).mapToLong(low -> Float.BYTES * (low.down().rows() * low.down().cols()
                        + low.up().rows() * low.up().cols())).sum();
    }

    /** Where its pieces go. */
    private static final class Layout {
        private final boolean small;
        private final List<Piece> pieces = new ArrayList<>();
        private final List<Long> at = new ArrayList<>();
        private long bytes;

        Layout(boolean small) {
            this.small = small;
        }

        private long add(Piece p) {
            pieces.add(p);
            at.add(bytes);
            long start = bytes;
            bytes += Math.ceilDiv(p.bytes(), ALIGNMENT) * ALIGNMENT;
            return start;
        }

        private long numbers(float[] all) {
            return all.length == 0 ? -1 : add(new Piece.Numbers(all));
        }

        Struct norm(Optional<float[]> weight, Optional<float[]> bias) {
            return new Struct(-1, -1, -1, weight.map(this::numbers).orElse(-1L), bias.map(this::numbers).orElse(-1L), -1, 0, ElementType.F32,
                    ElementType.F32, 1);
        }

        Struct change(Change c, boolean table) {
            ElementType wholeType = c.whole().map(ElementType::exact).orElse(ElementType.F32);
            long whole = c.whole().map(w -> add(new Piece.Lines(w, wholeType, 1))).orElse(-1L);
            long gain = numbers(c.gain());
            long shift = numbers(c.shift());
            if (c.lowRank().isPresent()) {
                LowRank low = c.lowRank().get();
                ElementType type = type(low);
                float down = factor(low.down(), type);
                float up = factor(low.up(), type);
                Piece first = table ? new Piece.Columns(low.down(), type, down) : new Piece.Lines(low.down(), type, down);
                return new Struct(add(first), add(new Piece.Planes(low.up(), type, up)), whole, gain, shift, -1, low.rank(), type, wholeType,
                        low.scale() / down / up);
            }
            if (c.rows().isPresent()) {
                Weights rows = c.rows().get().values();
                ElementType type = ElementType.exact(rows);
                return new Struct(add(new Piece.Lines(rows, type, 1)), -1, whole, gain, shift, add(new Piece.Indices(c.rows().get().numbers())),
                        Math.toIntExact(rows.rows()), type, wholeType, 1);
            }
            return new Struct(-1, -1, whole, gain, shift, -1, 0, ElementType.F32, wholeType, 1);
        }

        private ElementType type(LowRank low) {
            ElementType down = ElementType.exact(low.down());
            boolean exact = down != ElementType.F32 && down == ElementType.exact(low.up());
            return exact ? down : small ? ElementType.F32 : ElementType.F16;
        }

        /** A power of two by which all numbers are multiplied, so that few of F16 are too small for all of its bits. */
        private static float factor(Weights w, ElementType type) {
            if (type != ElementType.F16 || ElementType.exact(w) == ElementType.F16) {
                return 1;
            }
            float largest = 0;
            var row = new float[Math.toIntExact(w.cols())];
            for (long r = 0; r < w.rows(); r++) {
                w.decode(r, 1, row, 0);
                for (float x : row) {
                    largest = Math.max(largest, Math.abs(x));
                }
            }
            return largest == 0 || !Float.isFinite(largest) ? 1
                    : Math.scalb(1f, Math.clamp(LARGEST_EXPONENT - Math.getExponent(largest), -LARGEST_EXPONENT * 2, LARGEST_EXPONENT * 2));
        }
    }

    /** Writes what it changes in each place. */
    void write(MemorySegment all) {
        all.fill((byte) 0);
        changes.forEach((place, c) -> {
            MemorySegment to = all.asSlice(place * AdapterKernels.CHANGE.bytes(), AdapterKernels.CHANGE.bytes());
            address(to, "down", c.down);
            address(to, "up", c.up);
            address(to, "whole", c.whole);
            address(to, "gain", c.gain);
            address(to, "shift", c.shift);
            address(to, "replaced", c.replaced);
            number(to, "rank", c.rank);
            number(to, "type", c.type.ordinal());
            number(to, "wholeType", c.wholeType.ordinal());
            to.set(ValueLayout.JAVA_FLOAT, AdapterKernels.CHANGE.at("scale"), c.scale);
        });
    }

    private void address(MemorySegment to, String member, long at) {
        to.set(ValueLayout.JAVA_LONG, AdapterKernels.CHANGE.at(member), at < 0 ? 0 : memory.address() + at);
    }

    private static void number(MemorySegment to, String member, int value) {
        to.set(ValueLayout.JAVA_INT, AdapterKernels.CHANGE.at(member), value);
    }

    long bytes() {
        return memory.bytes();
    }

    @Override
    public void close() {
        memory.close();
    }
}
