package io.jllm.cuda.memory;

import io.jllm.model.BufferPlan;
import io.jllm.model.Value;

/**
 * Device memory for the values of a step, placed by a {@link BufferPlan}: floats, and beside them the same values in 8 bits with a scale for each
 * 32, where a product wants them. Rows of tokens and rows of logits lie apart.
 */
public final class Activations {
    /** Rows to which both areas are rounded, so that every value starts at a multiple of 256 bytes. */
    private static final int ROW_ROUNDING = 16;
    private static final int BLOCK = 32;
    /** A float and the sum of a block. */
    private static final int SCALE_BYTES = 8;

    private final BufferPlan plan;
    private final long tokenRows;
    private final long logitRows;
    private final long base;

    /** The values of a plan in memory that starts at an address; room for that many rows. */
    public Activations(BufferPlan plan, int tokens, int logits, long base) {
        this.plan = plan;
        this.base = base;
        tokenRows = rounded(tokens);
        logitRows = rounded(logits);
    }

    private static long rounded(int rows) {
        return Math.ceilDiv((long) rows, ROW_ROUNDING) * ROW_ROUNDING;
    }

    /** Bytes that it needs. */
    public static long bytes(BufferPlan plan, int tokens, int logits) {
        return of(plan.tokenFloats() * rounded(tokens)) + of(plan.logitFloats() * rounded(logits));
    }

    /** Bytes for so many values: as floats, as bytes, and their scales. */
    private static long of(long values) {
        return Math.ceilDiv(values * Float.BYTES + values + values / BLOCK * SCALE_BYTES, 256) * 256;
    }

    /** Where the floats of a value are. */
    public long floats(Value v) {
        return start(v) + at(v) * Float.BYTES;
    }

    /** Where its values in 8 bits are. */
    public long bytes(Value v) {
        return start(v) + all(v) * Float.BYTES + at(v);
    }

    /** Where their scales are. */
    public long scales(Value v) {
        return start(v) + all(v) * (Float.BYTES + 1) + at(v) / BLOCK * SCALE_BYTES;
    }

    /** Rows that there is room for. */
    public int rows(Value v) {
        return Math.toIntExact(ofTokens(v) ? tokenRows : logitRows);
    }

    /** Floats from a row to the next. */
    public static int pitch(Value v) {
        return Math.ceilDiv(v.width(), BufferPlan.ALIGN) * BufferPlan.ALIGN;
    }

    private boolean ofTokens(Value v) {
        return v.rows() == Value.Rows.TOKENS;
    }

    private long start(Value v) {
        return ofTokens(v) ? base : base + of(plan.tokenFloats() * tokenRows);
    }

    private long all(Value v) {
        return ofTokens(v) ? plan.tokenFloats() * tokenRows : plan.logitFloats() * logitRows;
    }

    private long at(Value v) {
        return plan.offset(v) * (ofTokens(v) ? tokenRows : logitRows);
    }
}
