package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.attention.AttentionKernels;
import io.jllm.cuda.memory.StepSize;
import io.jllm.model.Value;
import java.util.List;
import java.util.Optional;

/**
 * Attention over the pages of a layer: one kernel for sequences with one token, which splits their positions over the device, and one for tiles of
 * queries of the others. Steps of tiles alone may leave results in 16 bits; in others they are floats first.
 *
 * @param singles the first
 * @param tiles the second; none in a program for decoding
 * @param rotated what rotates, stores and attends in steps without tiles, if there is a kernel for it; the rotation before it does nothing then
 * @param narrow what steps of tiles alone do instead, if anything
 */
record AttentionOp(RowsLaunch singles, Optional<AttentionKernels.Tiles> tiles, Optional<RowsLaunch> rotated, Optional<Narrow> narrow)
        implements CompiledOp {
    /** Fewer rows are faster with a rotation of its own. */
    private static final int LEAST_ROTATED = 257;

    /**
     * For steps of tiles alone.
     *
     * @param tiles with queries of floats
     * @param rotated with queries as a product that rotates leaves them, if one does
     * @param rows floats of all tokens to 16 bits, for other steps, if results are wanted so
     */
    record Narrow(AttentionKernels.Tiles tiles, Optional<AttentionKernels.Tiles> rotated, Optional<RowsLaunch> rows) {
    }

    AttentionOp(RowsLaunch singles, Optional<AttentionKernels.Tiles> tiles) {
        this(singles, tiles, Optional.empty(), Optional.empty());
    }

    /** A rotation that is left to the attention behind it where that can. */
    record Rotation(CompiledOp op) implements CompiledOp {
        @Override
        public void launch(Stream stream, StepSize size) {
            if (size.tiles() > 0) {
                op.launch(stream, size);
            }
        }
    }

    /**
     * A product of queries, keys and values and their rotation.
     *
     * @param together both, for steps of which {@link #rotates} says so
     * @param apart one after the other, for others
     */
    record Rotated(RowsLaunch together, List<CompiledOp> apart) implements CompiledOp {
        @Override
        public void launch(Stream stream, StepSize size) {
            if (rotates(size)) {
                together.run(stream, size.rows(Value.Rows.TOKENS));
            } else {
                apart.forEach(op -> op.launch(stream, size));
            }
        }
    }

    /** Whether products rotate in a step of that size, where they can. */
    static boolean rotates(StepSize size) {
        return size.singles() == 0 && size.rows(Value.Rows.TOKENS) >= LEAST_ROTATED;
    }

    @Override
    public void launch(Stream stream, StepSize size) {
        if (size.singles() == 0 && narrow.isPresent()) {
            Narrow n = narrow.get();
            n.rotated.filter(_ -> rotates(size)).orElse(n.tiles).run(stream, size.tiles());
            return;
        }
        if (size.singles() > 0) {
            rotated.filter(_ -> size.tiles() == 0).orElse(singles).run(stream, size.singles());
        }
        if (size.tiles() > 0) {
            tiles.orElseThrow().run(stream, size.tiles());
        }
        narrow.flatMap(Narrow::rows).ifPresent(rows -> rows.run(stream, size.rows(Value.Rows.TOKENS)));
    }
}
