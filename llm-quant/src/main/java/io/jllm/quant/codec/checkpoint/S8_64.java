package io.jllm.quant.codec.checkpoint;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.codec.block.Blocks;
import java.lang.foreign.MemorySegment;

/** 64 signed bytes that share a scale in single precision: {@code value = q d}. Layout: d, then the bytes. */
public final class S8_64 implements Codec {
    private static final int VALUES = 64;
    private static final int BYTES = Float.BYTES + VALUES;

    @Override
    public DType type() {
        return DType.S8_64;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.S8_64, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float scale = src.get(Blocks.FLOAT, block);
            for (int i = 0; i < VALUES; i++) {
                dst[at + b * VALUES + i] = src.get(Blocks.BYTE, block + Float.BYTES + i) * scale;
            }
        }
    }
}
