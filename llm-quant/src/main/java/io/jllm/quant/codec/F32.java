package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.codec.block.Blocks;
import java.lang.foreign.MemorySegment;

/** IEEE single precision: copied as it is. */
final class F32 implements Codec, Encoder {
    @Override
    public DType type() {
        return DType.F32;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        Blocks.check(DType.F32, src, offset, dst, at, count);
        MemorySegment.copy(src, Blocks.FLOAT, offset, dst, at, count);
    }

    @Override
    public void encode(float[] src, int at, int count, MemorySegment dst, long offset) {
        Blocks.check(DType.F32, dst, offset, src, at, count);
        MemorySegment.copy(src, at, dst, Blocks.FLOAT, offset, count);
    }
}
