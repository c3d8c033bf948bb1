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
 * {@link Q4_K} with a fifth bit a value: {@code value = d scale (nibble + 16 bit) - dmin minimum}. Layout: d, dmin, 12 bytes of
 * {@link KScales}, 32 bytes of fifth bits (bit g of byte j belongs to value j of group g), 128 bytes of nibbles. The encoder is
 * {@link KSearch}. Source of both: ggml.
 */
final class Q5_K implements Codec, WeighedEncoder {
    private static final int VALUES = 256;
    private static final KSearch.Shape SHAPE = new KSearch.Shape(DType.Q5_K, 32, 31, 63, new RangeSearch.Trials(-0.5f, 0.1f, 15, false), true, 2, 0);
    private static final int BYTES = 176;

    @Override
    public DType type() {
        return DType.Q5_K;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.Q5_K, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block);
            float dmin = Blocks.half(src, block + 2);
            int packed = src.get(Blocks.INT, block + 12);
            long scales = KScales.scales(src.get(Blocks.INT, block + 4), packed);
            long minima = KScales.minima(src.get(Blocks.INT, block + 8), packed);
            long bits = block + 16;
            for (int pair = 0; pair < 4; pair++) {
                float lowScale = d * (scales & 63);
                float lowMin = dmin * (minima & 63);
                float highScale = d * (scales >>> 8 & 63);
                float highMin = dmin * (minima >>> 8 & 63);
                scales >>>= 16;
                minima >>>= 16;
                long nibbles = block + 48 + 32 * pair;
                int to = at + b * VALUES + 64 * pair;
                for (int j = 0; j < 32; j++) {
                    int q = src.get(Blocks.BYTE, nibbles + j);
                    int fifth = src.get(Blocks.BYTE, bits + j) >> 2 * pair;
                    dst[to + j] = lowScale * (q & 15 | (fifth & 1) << 4) - lowMin;
                    dst[to + 32 + j] = highScale * (q >> 4 & 15 | (fifth & 2) << 3) - highMin;
                }
            }
        }
    }

    @Override
    public void encode(float[] src, int at, int count, Importance importance, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.Q5_K, dst, offset, src, at, count);
        new KSearch(SHAPE, importance).encode(src, at, blocks, dst, offset, Q5_K::pack);
    }

    private static void pack(int[] scales, int[] minima, byte[] q, MemorySegment dst, long block) {
        KScales.put(scales, minima, dst, block + 4);
        for (int j = 0; j < 32; j++) {
            int fifth = 0;
            for (int pair = 0; pair < 4; pair++) {
                int low = q[64 * pair + j];
                int high = q[64 * pair + 32 + j];
                fifth |= (low >> 4 | high >> 4 << 1) << 2 * pair;
                dst.set(Blocks.BYTE, block + 48 + 32 * pair + j, (byte) (low & 15 | (high & 15) << 4));
            }
            dst.set(Blocks.BYTE, block + 16 + j, (byte) fifth);
        }
    }
}
