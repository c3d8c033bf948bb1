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
 * queries of the others. In steps of many tokens, queries and results may have 16 bits.
 *
 * @param singles the first
 * @param tiles the second; none in a program for decoding
 * @param rotated what rotates, stores and attends in steps without tiles, if there is a kernel for it; the rotation before it does nothing then
 * @param narrow what is done instead where results are wanted in 16 bits, or queries come so
 */
record AttentionOp(RowsLaunch singles, Optional<AttentionKernels.Tiles> tiles, Optional<RowsLaunch> rotated, Optional<Narrow> narrow)
        implements CompiledOp {
    /** Fewer rows are faster with a rotation of its own. */
    private static final int LEAST_ROTATED = 257;

    /**
     * Attention with queries or results of 16 bits.
     *
     * @param tiles with queries of floats
     * @param rotated with queries as a product that rotates leaves them, if one does
     * @param rows single queries' results from floats to 16 bits, if results are wanted so
     */
    record Narrow(AttentionKernels.Tiles tiles, Optional<Rotated> rotated, Optional<RowsLaunch> rows) {
    }

    /**
     * Attention with queries as a product that rotates leaves them.
     *
     * @param tiles of them
     * @param singles single queries, which become floats; empty if such a step is none in which products rotate
     */
    record Rotated(AttentionKernels.Tiles tiles, Optional<RowsLaunch> singles) {
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
     * @param besideSingles whether steps with single queries may be such
     * @param apart one after the other, for others
     */
    record Product(RowsLaunch together, boolean besideSingles, List<CompiledOp> apart) implements CompiledOp {
        @Override
        public void launch(Stream stream, StepSize size) {
            if (rotates(size, besideSingles)) {
                together.run(stream, size.rows(Value.Rows.TOKENS));
            } else {
                apart.forEach(op -> op.launch(stream, size));
            }
        }
    }

    /** Whether products rotate in a step of that size, where they can. */
    private static boolean rotates(StepSize size, boolean besideSingles) {
        return (besideSingles || size.singles() == 0) && size.rows(Value.Rows.TOKENS) >= LEAST_ROTATED;
    }

    @Override
    public void launch(Stream stream, StepSize size) {
        Optional<Rotated> turned = narrow.flatMap(Narrow::rotated).filter(r -> rotates(size, r.singles.isPresent()));
        if (size.singles() > 0) {
            turned.flatMap(Rotated::singles).or(() -> rotated.filter(_ -> size.tiles() == 0)).orElse(singles).run(stream, size.singles());
            narrow.flatMap(Narrow::rows).ifPresent(rows -> rows.run(stream, size.singles()));
        }
        if (size.tiles() > 0) {
            turned.map(Rotated::tiles).or(() -> narrow.map(Narrow::tiles)).or(() -> tiles).orElseThrow().run(stream, size.tiles());
        }
    }
}
