package io.jllm.quant.codec.block;

import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;

/**
 * How blocks of 32 values with one scale, and a minimum perhaps, are encoded where columns have importances: {@link Importance#weigh}, with the
 * variance of the whole row, then {@link ScaleSearch} or {@link RangeSearch}. Source: ggml.
 */
public final class WeighedBlocks {
    private static final int VALUES = 32;

    private WeighedBlocks() {
    }

    /** Stores the integers of a block. */
    @FunctionalInterface
    public interface Packing {
        /** Stores 32 integers, in the order of values, of the block that starts at an offset. */
        void put(byte[] q, MemorySegment dst, long block);
    }

    /** Blocks with a scale, which comes first: {@code value = scale (q - range)}. The first value starts a row. */
    public static void scaled(DType type, int range, float[] x, int at, int blocks, Importance importance, MemorySegment dst, long offset,
            Packing packing) {
        var search = new ScaleSearch(VALUES, range);
        byte[] q = new byte[VALUES];
        float[] weights = new float[VALUES];
        for (int first = 0; first < blocks; first += ScaleSearch.LANES) {
            int n = Math.min(ScaleSearch.LANES, blocks - first);
            for (int b = 0; b < n; b++) {
                int index = (first + b) * VALUES;
                importance.weigh(x, at + index, index, importance.rowVariance(x, at, index), weights);
                search.put(b, x, at + index, weights, 0);
            }
            search.fit(n);
            for (int b = 0; b < n; b++) {
                long block = offset + (long) (first + b) * type.blockBytes();
                Blocks.putHalf(type, search.scale(b), dst, block);
                search.integers(b, q, 0);
                packing.put(q, dst, block);
            }
        }
    }

    /** Blocks with a scale and what is added to all values, which come first: {@code value = scale q + added}. The first value starts a row. */
    public static void ranged(DType type, int greatest, float[] x, int at, int blocks, Importance importance, MemorySegment dst, long offset,
            Packing packing) {
        var search = new RangeSearch(VALUES, greatest, RangeSearch.Trials.WEIGHTED);
        byte[] q = new byte[VALUES];
        float[] weights = new float[VALUES];
        for (int first = 0; first < blocks; first += RangeSearch.LANES) {
            int n = Math.min(RangeSearch.LANES, blocks - first);
            for (int b = 0; b < n; b++) {
                int index = (first + b) * VALUES;
                importance.weigh(x, at + index, index, importance.rowVariance(x, at, index), weights);
                search.put(b, x, at + index, weights);
            }
            search.fit(n);
            for (int b = 0; b < n; b++) {
                long block = offset + (long) (first + b) * type.blockBytes();
                Blocks.putHalf(type, search.scale(b), dst, block);
                Blocks.putHalf(type, -search.minimum(b), dst, block + Short.BYTES);
                search.integers(b, q, 0);
                packing.put(q, dst, block);
            }
        }
    }
}
