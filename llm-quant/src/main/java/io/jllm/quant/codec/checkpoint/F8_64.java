package io.jllm.quant.codec.checkpoint;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.codec.block.Blocks;
import io.jllm.quant.codec.eight.F8_E4M3;
import java.lang.foreign.MemorySegment;

/**
 * 64 floats of 8 bits ({@link F8_E4M3}) that share a scale in single precision: {@code value = float(q) d}, rounded once to single precision. Layout:
 * d, below 256 in magnitude or not finite; then the bytes. What is no number stays none.
 */
public final class F8_64 implements Codec {
    private static final int VALUES = 64;
    private static final int BYTES = Float.BYTES + VALUES;

    private final Codec floats = new F8_E4M3();

    @Override
    public DType type() {
        return DType.F8_64;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.F8_64, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            int to = at + b * VALUES;
            float scale = src.get(Blocks.FLOAT, block);
            floats.decode(src, block + Float.BYTES, dst, to, VALUES);
            for (int i = to; i < to + VALUES; i++) {
                dst[i] *= scale;
            }
        }
    }
}
