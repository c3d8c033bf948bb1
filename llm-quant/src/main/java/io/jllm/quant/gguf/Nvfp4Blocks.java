package io.jllm.quant.gguf;

import io.jllm.quant.DType;
import io.jllm.quant.Part;
import io.jllm.quant.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Objects;

/**
 * {@link DType#NVFP4}, read as {@link DType#E2M1_64}: a stored block has the scales of its four runs of 16 values, then 8 bytes for each run, of
 * which byte j holds values j and j + 8; the factor stands elsewhere. No value is computed; the code 0x7f of a scale is 0 there. Source: ggml.
 *
 * @param blocks as stored
 * @param factors what rows are multiplied by: a factor for each matrix, of which all have as many rows
 */
record Nvfp4Blocks(Tensor blocks, float[] factors) implements Part {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int RUN = 16;
    private static final int RUNS = DType.NVFP4.blockElements() / RUN;
    private static final byte NONE = 0x7f;

    Nvfp4Blocks {
        if (blocks.type() != DType.NVFP4 || factors.length < 1 || blocks.rows() % factors.length != 0) {
            throw new IllegalArgumentException("tensor " + blocks.name() + " of " + blocks.rows() + " rows of " + blocks.type() + " with "
                    + factors.length + " factors");
        }
    }

    @Override
    public DType type() {
        return DType.E2M1_64;
    }

    @Override
    public long rows() {
        return blocks.rows();
    }

    @Override
    public long cols() {
        return blocks.cols();
    }

    @Override
    public List<MemorySegment> sources() {
        return List.of(blocks.data());
    }

    @Override
    public void read(long row, long count, MemorySegment to) {
        Objects.checkFromIndexSize(row, count, rows());
        var stored = new byte[Math.toIntExact(blocks.rowBytes())];
        long at = 0;
        for (long r = row; r < row + count; r++) {
            MemorySegment.copy(blocks.data(), ValueLayout.JAVA_BYTE, r * stored.length, stored, 0, stored.length);
            float factor = factors[(int) (r / (rows() / factors.length))];
            for (int block = 0; block < stored.length; block += DType.NVFP4.blockBytes()) {
                to.set(FLOAT, at, factor);
                at += Float.BYTES;
                for (int i = 0; i < RUNS; i++) {
                    byte scale = stored[block + i];
                    to.set(ValueLayout.JAVA_BYTE, at++, scale == NONE ? 0 : scale);
                }
                for (int i = 0; i < RUNS; i += 2) {
                    int run = block + RUNS + i * RUN / 2;
                    for (int j = 0; j < RUN; j++) {
                        to.set(ValueLayout.JAVA_BYTE, at++, (byte) (value(stored, run, j) | value(stored, run + RUN / 2, j) << 4));
                    }
                }
            }
        }
    }

    /** The bits of value j of a run. */
    private static int value(byte[] stored, int run, int j) {
        return stored[run + j % (RUN / 2)] >> j / (RUN / 2) * 4 & 15;
    }
}
