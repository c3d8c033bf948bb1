package io.jllm.quant.codec.block;

import io.jllm.quant.Encoder;
import java.lang.foreign.MemorySegment;

/** An encoder that does the same whether columns have importances or not, but for how it weighs errors. */
public interface WeighedEncoder extends Encoder {
    /** As {@link Encoder#encode(float[], int, int, float[], MemorySegment, long)}. */
    void encode(float[] src, int at, int count, Importance importance, MemorySegment dst, long offset);

    @Override
    default void encode(float[] src, int at, int count, MemorySegment dst, long offset) {
        encode(src, at, count, Importance.NONE, dst, offset);
    }

    @Override
    default void encode(float[] src, int at, int count, float[] importance, MemorySegment dst, long offset) {
        encode(src, at, count, new Importance(importance), dst, offset);
    }
}
