package io.jllm.cpu;

import io.jllm.cpu.kernels.BlockRows;
import io.jllm.cpu.kernels.Rows;
import io.jllm.model.BufferPlan;
import io.jllm.model.Program;
import io.jllm.model.Value;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory for the values of one step, placed by a {@link BufferPlan}. Its size is fixed; a bigger step needs a new one. */
final class Scratch implements AutoCloseable {
    private final BufferPlan plan;
    private final int tokens;
    private final int logitRows;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment tokenArea;
    private final MemorySegment logitArea;
    private final MemorySegment blockArea;

    /**
     * Room for steps of that many tokens and rows of logits.
     *
     * @param blockColumns the widest product that wants activations of 8 bits; 0 if none does
     */
    Scratch(Program program, int tokens, int logitRows, long blockColumns) {
        plan = BufferPlan.of(program);
        this.tokens = tokens;
        this.logitRows = logitRows;
        try {
            tokenArea = area(plan.tokenFloats(), tokens);
            logitArea = area(plan.logitFloats(), logitRows);
            blockArea = arena.allocate(blockBytes(tokens, logitRows, blockColumns), BufferPlan.ALIGN * Float.BYTES);
        } catch (OutOfMemoryError e) {
            arena.close();
            throw e;
        }
    }

    private MemorySegment area(int floats, int rows) {
        return arena.allocate((long) floats * rows * Float.BYTES, BufferPlan.ALIGN * Float.BYTES);
    }

    /** Bytes that such steps take. */
    static long bytes(BufferPlan plan, int tokens, int logitRows, long blockColumns) {
        return blockBytes(tokens, logitRows, blockColumns) + Float.BYTES * ((long) plan.tokenFloats() * tokens + (long) plan.logitFloats() * logitRows);
    }

    private static long blockBytes(int tokens, int logitRows, long blockColumns) {
        return BlockRows.bytes(Math.max(tokens, logitRows), blockColumns);
    }

    /** Where the input of a product lives in 8 bits, from just before the product until the next one. */
    BlockRows quantized(int columns) {
        return new BlockRows(blockArea, columns);
    }

    /** Where a value lives. */
    Rows rows(Value v) {
        boolean token = v.rows() == Value.Rows.TOKENS;
        long at = (long) plan.offset(v) * (token ? tokens : logitRows) * Float.BYTES;
        return new Rows(token ? tokenArea : logitArea, at, v.width());
    }

    int tokens() {
        return tokens;
    }

    int logitRows() {
        return logitRows;
    }

    long bytes() {
        return tokenArea.byteSize() + logitArea.byteSize() + blockArea.byteSize();
    }

    @Override
    public void close() {
        arena.close();
    }
}
