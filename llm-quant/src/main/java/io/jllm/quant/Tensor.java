package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Weights of one storage type: a row-major view over stored values. It never owns memory: the {@link WeightSource} does, and the view
 * is invalid once that is closed.
 *
 * @param name the name under which it was found
 * @param type storage type
 * @param rows number of rows; 1 for a vector, the product of all but the contiguous dimension for more than two
 * @param cols values a row, the contiguous dimension, in whole blocks
 * @param data exactly {@code type.bytes(rows * cols)} bytes, little-endian; no alignment is promised, since files promise none
 */
public record Tensor(String name, DType type, long rows, long cols, MemorySegment data) implements Weights, Part {
    /**
     * Checks that the bytes are as many as the shape says.
     *
     * @throws IllegalArgumentException if they are not, or if the shape is negative or its rows do not fill whole blocks
     */
    public Tensor {
        if (rows < 0 || cols < 0 || cols % type.blockElements() != 0) {
            throw new IllegalArgumentException("tensor " + name + " of " + rows + " x " + cols + " " + type
                    + ": a row must fill blocks of " + type.blockElements());
        }
        long want = type.bytes(Math.multiplyExact(rows, cols));
        if (data.byteSize() != want) {
            throw new IllegalArgumentException("tensor " + name + " of " + rows + " x " + cols + " " + type + " needs " + want
                    + " bytes, has " + data.byteSize());
        }
    }

    @Override
    public List<MemorySegment> sources() {
        return List.of(data);
    }

    @Override
    public Optional<DType> stored() {
        return Optional.of(type);
    }

    @Override
    public String format() {
        return type.name();
    }

    @Override
    public long bytes() {
        return data.byteSize();
    }

    @Override
    public long rowBytes() {
        return type.bytes(cols);
    }

    /** The bytes of row {@code r}. */
    public MemorySegment row(long r) {
        long bytes = rowBytes();
        return data.asSlice(r * bytes, bytes);
    }

    @Override
    public void decode(long row, int count, float[] to, int at) {
        Objects.checkFromIndexSize(row, count, rows);
        Codec.of(type).orElseThrow(() -> new IllegalArgumentException("tensor " + name + " is stored as " + type + ", which cannot be read"))
                .decode(data, row * rowBytes(), to, at, Math.toIntExact(count * cols));
    }

    @Override
    public void read(long row, long count, MemorySegment to) {
        Objects.checkFromIndexSize(row, count, rows);
        MemorySegment.copy(data, row * rowBytes(), to, 0, count * rowBytes());
    }

    @Override
    public Optional<MemorySegment> slice(long row, long count) {
        Objects.checkFromIndexSize(row, count, rows);
        return Optional.of(data.asSlice(row * rowBytes(), count * rowBytes()));
    }

    @Override
    public Tensor named(String newName) {
        return new Tensor(newName, type, rows, cols, data);
    }

    /** Rows {@code from} (inclusive) to {@code to} (exclusive) under another name, without a copy. */
    public Tensor rows(String newName, long from, long to) {
        if (from < 0 || to > rows || from >= to) {
            throw new IllegalArgumentException("rows " + from + " to " + to + " of tensor " + name + ", which has " + rows);
        }
        long bytes = rowBytes();
        return new Tensor(newName, type, to - from, cols, data.asSlice(from * bytes, (to - from) * bytes));
    }
}
