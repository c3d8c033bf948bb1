package io.jllm.cpu.layout.attention;

import static io.jllm.cpu.layout.Rows.FLOAT;

import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * How the keys, or the values, of one head and one block of positions lie in memory.
 *
 * <p>Values lie position by position. Keys lie dimension by dimension, the same one of all positions together: so the products of a
 * query with several keys grow in the lanes of a vector, and no vector is ever summed up.
 *
 * <p>F32 and F16 are plain (F16 holds what is beyond it as its largest number, 65504). Q8_0 is a byte each, and behind all bytes a
 * scale in half precision for each 32 dimensions of a position (the last ones may be fewer), scales in the same order as bytes.
 *
 * @param type F32, F16 or Q8_0
 * @param dim dimensions of a head
 * @param positions of a block
 */
public record KvLayout(DType type, int dim, int positions) {
    /** Dimensions that share a scale. */
    public static final int BLOCK = 32;
    /** Bytes behind the last block of a cache that kernels may read, though they make no use of what is there. */
    public static final int SLACK = 256;
    public static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final float LARGEST_HALF = 65504;
    private static final float LARGEST_BYTE = 127;

    /**
     * A layout.
     *
     * @throws IllegalArgumentException if keys and values cannot be stored in that type
     */
    public KvLayout {
        if (!supports(type)) {
            throw new IllegalArgumentException("keys and values can be stored as F32, F16 or Q8_0, not as " + type);
        }
    }

    /** Whether keys and values can be stored in that type. */
    public static boolean supports(DType type) {
        return type == DType.F32 || type == DType.F16 || type == DType.Q8_0;
    }

    /** Bytes of the keys, or of the values. */
    public long bytes() {
        long numbers = (long) dim * positions;
        return switch (type) {
            case F32 -> numbers * Float.BYTES;
            case F16 -> numbers * Short.BYTES;
            default -> numbers + (long) scales() * positions * Short.BYTES;
        };
    }

    /** Scales of a position. */
    public int scales() {
        return Math.ceilDiv(dim, BLOCK);
    }

    /** Where the scales start, relative to the bytes. */
    public long scalesAt() {
        return (long) dim * positions;
    }

    /** Stores the key of a position, the first {@code dim} numbers of {@code x}. */
    public void storeKey(float[] x, MemorySegment page, long at, int position) {
        store(x, page, at, position, positions, at + scalesAt() + (long) position * Short.BYTES, positions);
    }

    /** Stores the value of a position. */
    public void storeValue(float[] x, MemorySegment page, long at, int position) {
        store(x, page, at, (long) position * dim, 1, at + scalesAt() + (long) position * scales() * Short.BYTES, 1);
    }

    private void store(float[] x, MemorySegment page, long at, long first, int step, long scale, int scaleStep) {
        switch (type) {
            case F32 -> {
                for (int i = 0; i < dim; i++) {
                    page.set(FLOAT, at + (first + (long) i * step) * Float.BYTES, x[i]);
                }
            }
            case F16 -> {
                for (int i = 0; i < dim; i++) {
                    short half = Float.floatToFloat16(Math.clamp(x[i], -LARGEST_HALF, LARGEST_HALF));
                    page.set(HALF, at + (first + (long) i * step) * Short.BYTES, half);
                }
            }
            default -> {
                for (int b = 0; b < scales(); b++) {
                    float d = storeBytes(x, b * BLOCK, Math.min(dim, (b + 1) * BLOCK), page, at + first, step);
                    page.set(HALF, scale + (long) b * scaleStep * Short.BYTES, Float.floatToFloat16(d));
                }
            }
        }
    }

    /** Stores numbers that share a scale, and returns it. */
    private static float storeBytes(float[] x, int from, int to, MemorySegment page, long at, int step) {
        float largest = 0;
        for (int i = from; i < to; i++) {
            largest = Math.max(largest, Math.abs(x[i]));
        }
        float d = Math.min(largest / LARGEST_BYTE, LARGEST_HALF);
        float inverse = d == 0 ? 0 : 1 / d;
        for (int i = from; i < to; i++) {
            int q = (int) Math.rint(Math.clamp(x[i] * inverse, -LARGEST_BYTE, LARGEST_BYTE));
            page.set(ValueLayout.JAVA_BYTE, at + (long) i * step, (byte) q);
        }
        return d;
    }

    /** Reads dimension {@code d} of the keys of {@code n} positions. */
    public void keys(MemorySegment page, long at, int d, int position, int n, float[] to) {
        int first = d * positions + position;
        switch (type) {
            case F32 -> MemorySegment.copy(page, FLOAT, at + (long) first * Float.BYTES, to, 0, n);
            case F16 -> {
                for (int i = 0; i < n; i++) {
                    to[i] = Float.float16ToFloat(page.get(HALF, at + (long) (first + i) * Short.BYTES));
                }
            }
            default -> {
                long scale = at + scalesAt() + ((long) d / BLOCK * positions + position) * Short.BYTES;
                for (int i = 0; i < n; i++) {
                    float s = Float.float16ToFloat(page.get(HALF, scale + (long) i * Short.BYTES));
                    to[i] = page.get(ValueLayout.JAVA_BYTE, at + first + i) * s;
                }
            }
        }
    }

    /** Reads the value of a position. */
    public void value(MemorySegment page, long at, int position, float[] to) {
        long first = (long) position * dim;
        switch (type) {
            case F32 -> MemorySegment.copy(page, FLOAT, at + first * Float.BYTES, to, 0, dim);
            case F16 -> {
                for (int i = 0; i < dim; i++) {
                    to[i] = Float.float16ToFloat(page.get(HALF, at + (first + i) * Short.BYTES));
                }
            }
            default -> {
                long scale = at + scalesAt() + (long) position * scales() * Short.BYTES;
                for (int i = 0; i < dim; i++) {
                    float s = Float.float16ToFloat(page.get(HALF, scale + (long) (i / BLOCK) * Short.BYTES));
                    to[i] = page.get(ValueLayout.JAVA_BYTE, at + first + i) * s;
                }
            }
        }
    }
}
