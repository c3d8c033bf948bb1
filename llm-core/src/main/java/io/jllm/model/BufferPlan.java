package io.jllm.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Where the values of a program live in scratch memory: two values share a place if one is dead before the other is born, so
 * that a pass needs a few rows instead of one for every op. Rows of tokens and rows of logits live in areas of their own.
 *
 * <p>Offsets and widths are in floats a row, multiples of {@link #ALIGN}: for a step of n rows, value v takes n * width floats
 * from n * offset (or from capacity * offset, whichever the backend likes better).
 */
public final class BufferPlan {
    /** Floats to which every place is aligned: 64 bytes. */
    public static final int ALIGN = 16;

    private final int[] offset;
    private final int tokenFloats;
    private final int logitFloats;

    private BufferPlan(int[] offset, int tokenFloats, int logitFloats) {
        this.offset = offset;
        this.tokenFloats = tokenFloats;
        this.logitFloats = logitFloats;
    }

    /** Plans a program. A product takes over the place of its residual where nobody reads the residual later. */
    public static BufferPlan of(Program program) {
        return of(program, 0);
    }

    /**
     * Plans a program for a backend that does several ops at once, and so may still read a value when it writes a later one.
     *
     * @param linger ops for which a value stays where it is after the last one that reads it
     */
    public static BufferPlan of(Program program, int linger) {
        List<Op> ops = program.ops();
        var lastUse = new int[program.values().size()];
        for (int i = 0; i < ops.size(); i++) {
            lastUse[ops.get(i).out().id()] = i;
            for (Value v : ops.get(i).inputs()) {
                lastUse[v.id()] = i;
            }
        }
        lastUse[program.logits().id()] = Integer.MAX_VALUE;
        program.hidden().ifPresent(h -> lastUse[h.id()] = Integer.MAX_VALUE);
        var offset = new int[lastUse.length];
        var top = new int[Value.Rows.values().length];
        var live = new ArrayList<Value>();
        for (int i = 0; i < ops.size(); i++) {
            int now = i;
            Op op = ops.get(i);
            Value out = op.out();
            Optional<Value> replaced = replaceable(op).filter(r -> lastUse[r.id()] == now);
            if (replaced.isPresent()) {
                offset[out.id()] = offset[replaced.get().id()];
            } else {
                offset[out.id()] = firstGap(live, offset, out);
            }
            int area = out.rows().ordinal();
            top[area] = Math.max(top[area], Math.addExact(offset[out.id()], aligned(out.width())));
            live.add(out);
            live.removeIf(v -> lastUse[v.id()] <= now - linger);
        }
        return new BufferPlan(offset, top[Value.Rows.TOKENS.ordinal()], top[Value.Rows.LOGITS.ordinal()]);
    }

    /** The residual of a product, unless the product also reads it as a whole row. */
    private static Optional<Value> replaceable(Op op) {
        return op instanceof Op.Linear l ? l.residual().filter(r -> !r.equals(l.in())) : Optional.empty();
    }

    private static int firstGap(List<Value> live, int[] offset, Value out) {
        List<Value> sameArea = live.stream().filter(v -> v.rows() == out.rows())
                .sorted(Comparator.comparingInt(v -> offset[v.id()])).toList();
        int at = 0;
        for (Value v : sameArea) {
            if (offset[v.id()] - at >= aligned(out.width())) {
                break;
            }
            at = Math.max(at, offset[v.id()] + aligned(v.width()));
        }
        return at;
    }

    private static int aligned(int width) {
        return Math.ceilDiv(width, ALIGN) * ALIGN;
    }

    /** Where a value starts in its area, in floats a row. */
    public int offset(Value v) {
        return offset[v.id()];
    }

    /** Floats a row of tokens needs. */
    public int tokenFloats() {
        return tokenFloats;
    }

    /** Floats a row of logits needs. */
    public int logitFloats() {
        return logitFloats;
    }

    @Override
    public String toString() {
        return "BufferPlan[" + tokenFloats + " floats a token, " + logitFloats + " a row of logits, offsets "
                + Arrays.toString(offset) + "]";
    }
}
