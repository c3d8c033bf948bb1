package io.jllm.cpu.op;

import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.model.BufferPlan;
import io.jllm.model.Program;
import io.jllm.model.Value;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;

/** Memory for the values of one step, placed by a {@link BufferPlan}. Its size is fixed; a bigger step needs a new one. */
public final class Activations implements AutoCloseable {
    private final BufferPlan plan;
    private final int tokens;
    private final int logitRows;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment tokenArea;
    private final MemorySegment logitArea;
    private final MemorySegment gathered;
    private final Map<TokenFormat, MemorySegment> arranged = new EnumMap<>(TokenFormat.class);

    /**
     * Room for steps of that many tokens and rows of logits.
     *
     * @param space what products want
     */
    public Activations(Program program, int tokens, int logitRows, TokenSpace space) {
        plan = BufferPlan.of(program);
        this.tokens = tokens;
        this.logitRows = logitRows;
        try {
            tokenArea = area(plan.tokenFloats(), tokens);
            logitArea = area(plan.logitFloats(), logitRows);
            int rows = Math.max(tokens, logitRows);
            gathered = arena.allocate(rows * space.gathered() * Float.BYTES, BufferPlan.ALIGN * Float.BYTES);
            space.columns().forEach((format, columns) -> arranged.put(format,
                    arena.allocate(format.bytes(rows, columns), BufferPlan.ALIGN * Float.BYTES)));
        } catch (OutOfMemoryError e) {
            arena.close();
            throw e;
        }
    }

    private MemorySegment area(int floats, int rows) {
        return arena.allocate((long) floats * rows * Float.BYTES, BufferPlan.ALIGN * Float.BYTES);
    }

    /** Bytes that such steps take. */
    public static long bytes(BufferPlan plan, int tokens, int logitRows, TokenSpace space) {
        return space.bytes(Math.max(tokens, logitRows)) + Float.BYTES * ((long) plan.tokenFloats() * tokens + (long) plan.logitFloats() * logitRows);
    }

    /** Where the input of a product lives as it wants it, from just before the product until the next one. */
    BlockRows arranged(TokenFormat format, int columns) {
        return new BlockRows(format, arranged.get(format), columns);
    }

    /** Where rows of so many floats are gathered for experts, from just before the product until the next one. */
    Rows gathered(int width) {
        return new Rows(gathered, 0, width);
    }

    /** Where a value lives. */
    public Rows rows(Value v) {
        boolean token = v.rows() == Value.Rows.TOKENS;
        long at = (long) plan.offset(v) * (token ? tokens : logitRows) * Float.BYTES;
        return new Rows(token ? tokenArea : logitArea, at, v.width());
    }

    public int tokens() {
        return tokens;
    }

    public int logitRows() {
        return logitRows;
    }

    public long bytes() {
        return tokenArea.byteSize() + logitArea.byteSize() + gathered.byteSize()
                + arranged.values().stream().mapToLong(MemorySegment::byteSize).sum();
    }

    @Override
    public void close() {
        arena.close();
    }

    /** Room for what is needed, at least doubled where it grows, so that steps that grow one by one do not each move everything. */
    public static int grown(int now, int needed, int limit) {
        return needed <= now ? now : (int) Math.min(limit, Math.max(needed, 2L * now));
    }
}
