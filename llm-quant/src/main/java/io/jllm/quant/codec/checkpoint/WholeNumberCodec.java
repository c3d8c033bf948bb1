package io.jllm.quant.codec.checkpoint;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.WholeNumbers;
import io.jllm.quant.codec.block.Blocks;
import java.lang.foreign.MemorySegment;

/** Values of {@link WholeNumbers}: {@code (q - z) d}, in single precision. */
public record WholeNumberCodec(WholeNumbers numbers) implements Codec {
    @Override
    public DType type() {
        return numbers.type();
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(type(), src, offset, dst, at, count);
        var run = new byte[WholeNumbers.RUN];
        int to = at;
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * type().blockBytes();
            float scale = Blocks.half(src, block);
            int zero = src.get(Blocks.BYTE, block + Short.BYTES) & 0xFF;
            long place = block + WholeNumbers.HEADER;
            for (int i = 0; i < type().blockElements(); i += WholeNumbers.RUN, place += numbers.runBytes()) {
                numbers.unpack(src, place, run);
                for (byte q : run) {
                    dst[to++] = ((q & 0xFF) - zero) * scale;
                }
            }
        }
    }
}
