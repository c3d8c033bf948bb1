package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.codec.block.Blocks;
import io.jllm.quant.codec.block.Importance;
import io.jllm.quant.codec.block.KScales;
import io.jllm.quant.codec.block.KSearch;
import io.jllm.quant.codec.block.RangeSearch;
import io.jllm.quant.codec.block.WeighedEncoder;
import java.lang.foreign.MemorySegment;

/**
 * 256 values of 4 bits in eight groups of 32, each with a scale and a minimum of 6 bits: {@code value = d scale nibble - dmin
 * minimum}. Layout: d and dmin in half precision, 12 bytes of {@link KScales}, 128 bytes of nibbles: of each 32 bytes, the
 * low nibbles are one group and the high ones the next. The encoder is
 * {@link KSearch}. Source of both: ggml.
 */
final class Q4_K implements Codec, WeighedEncoder {
    private static final int VALUES = 256;
    private static final KSearch.Shape SHAPE = new KSearch.Shape(DType.Q4_K, 32, 15, 63, new RangeSearch.Trials(-1, 0.1f, 20, false), true, 2, 0);
    private static final int BYTES = 144;

    @Override
    public DType type() {
        return DType.Q4_K;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.Q4_K, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block);
            float dmin = Blocks.half(src, block + 2);
            int packed = src.get(Blocks.INT, block + 12);
            long scales = KScales.scales(src.get(Blocks.INT, block + 4), packed);
            long minima = KScales.minima(src.get(Blocks.INT, block + 8), packed);
            for (int pair = 0; pair < 4; pair++) {
                float lowScale = d * (scales & 63);
                float lowMin = dmin * (minima & 63);
                float highScale = d * (scales >>> 8 & 63);
                float highMin = dmin * (minima >>> 8 & 63);
                scales >>>= 16;
                minima >>>= 16;
                long nibbles = block + 16 + 32 * pair;
                int to = at + b * VALUES + 64 * pair;
                for (int j = 0; j < 32; j++) {
                    int q = src.get(Blocks.BYTE, nibbles + j);
                    dst[to + j] = lowScale * (q & 15) - lowMin;
                    dst[to + 32 + j] = highScale * (q >> 4 & 15) - highMin;
                }
            }
        }
    }

    @Override
    public void encode(float[] src, int at, int count, Importance importance, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.Q4_K, dst, offset, src, at, count);
        new KSearch(SHAPE, importance).encode(src, at, blocks, dst, offset, Q4_K::pack);
    }

    private static void pack(int[] scales, int[] minima, byte[] q, MemorySegment dst, long block) {
        KScales.put(scales, minima, dst, block + 4);
        for (int pair = 0; pair < 4; pair++) {
            for (int j = 0; j < 32; j++) {
                int at = 64 * pair + j;
                dst.set(Blocks.BYTE, block + 16 + 32 * pair + j, (byte) (q[at] | q[at + 32] << 4));
            }
        }
    }
}
