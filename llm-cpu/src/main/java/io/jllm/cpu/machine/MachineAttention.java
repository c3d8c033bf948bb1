package io.jllm.cpu.machine;

import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.attention.AttentionFrame;
import io.jllm.cpu.layout.attention.AttentionShape;
import io.jllm.cpu.layout.attention.KvFormat;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.quant.DType;

/**
 * Attention in machine code: the sums over a chunk of positions for rows of queries, which are then merged and divided. Thread-safe: what
 * a call reads and writes is in an {@link AttentionFrame}, of which each thread has its own.
 *
 * <p><b>The order of summation</b>: a score is summed up dimension by dimension, a value position by position, each with one rounding;
 * the weights of a chunk in 16 sums, by the number of the position modulo 16. It depends on neither pages, neighbours, threads nor the
 * instruction set, so results do not either.
 */
public final class MachineAttention {
    /** Most positions of a chunk. */
    public static final int CHUNK = AttentionShape.CHUNK;
    /** Rows come in multiples of this. */
    public static final int ROWS = AttentionShape.ROWS;

    private final KvLayout layout;
    private final AttentionShape shape;
    private final MachineCode.Attention code;

    MachineAttention(KvLayout layout, boolean capped, boolean biased, MachineCode machine) {
        this.layout = layout;
        shape = new AttentionShape(format(layout.type()), layout.dim(), layout.positions(), capped, biased);
        code = machine.attention(shape);
    }

    private static KvFormat format(DType type) {
        return switch (type) {
            case F32 -> KvFormat.F32;
            case F16 -> KvFormat.F16;
            case Q8_0 -> KvFormat.Q8_0;
            default -> throw new IllegalArgumentException("keys and values are not stored as " + type);
        };
    }

    /** What the code is written for. */
    AttentionShape shape() {
        return shape;
    }

    /** Bytes of the sums of a row. */
    public int rowBytes() {
        return shape.rowBytes();
    }

    /** A thread's frame, with room for so many rows, a multiple of {@link #ROWS}. All of them are to be filled next. */
    public AttentionFrame frame(int rows, Workspace ws) {
        return frame(rows, ws.attention());
    }

    AttentionFrame frame(int rows, AttentionFrame frame) {
        frame.begin(shape, rows);
        code.prepare(frame.fields());
        return frame;
    }

    /**
     * Adds positions to a frame.
     *
     * @param keys address of the keys of the head in a page
     * @param values address of its values
     * @param from first position in the page
     * @param n positions, at least 1
     */
    public void entry(AttentionFrame frame, long keys, long values, int from, int n) {
        int bytes = shape.format().bytes();
        long scales = layout.scalesAt();
        frame.entry(n, keys + (long) from * bytes, values + (long) from * layout.dim() * bytes, keys + scales + (long) from * Short.BYTES,
                values + scales + (long) from * layout.scales() * Short.BYTES);
    }

    /** Computes sums over the positions of a frame. */
    public void chunk(AttentionFrame frame, long sums) {
        frame.fields()[AttentionShape.SUMS] = sums;
        code.chunk(frame.stored());
    }

    /** Adds sums over the next positions to others, of all rows. */
    public void merge(AttentionFrame frame, long total, long sums) {
        frame.fields()[AttentionShape.TOTAL] = total;
        frame.fields()[AttentionShape.SUMS] = sums;
        code.merge(frame.stored());
    }

    /**
     * Stores what comes of sums.
     *
     * @param out address of the first row's result
     * @param stride bytes from token to token
     * @param group rows of a token, whose results lie one after the other
     */
    public void finish(AttentionFrame frame, long sums, long out, long stride, int tokens, int group) {
        long[] fields = frame.fields();
        fields[AttentionShape.SUMS] = sums;
        fields[AttentionShape.OUT] = out;
        fields[AttentionShape.OUT_STRIDE] = stride;
        fields[AttentionShape.TOKENS] = tokens;
        fields[AttentionShape.GROUP] = group;
        code.finish(frame.stored());
    }
}
