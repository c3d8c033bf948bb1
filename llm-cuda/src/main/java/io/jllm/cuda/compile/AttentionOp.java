package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.AttentionKernels;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.memory.StepSize;
import java.util.Optional;

/**
 * Attention over the pages of a layer: one kernel for sequences with one token, which splits their positions over the device, and one for tiles of
 * queries of the others.
 *
 * @param singles the first
 * @param tiles the second; none in a program for decoding
 * @param rotated what rotates, stores and attends in steps without tiles, if there is a kernel for it; the rotation before it does nothing then
 */
record AttentionOp(RowsLaunch singles, Optional<AttentionKernels.Tiles> tiles, Optional<RowsLaunch> rotated) implements CompiledOp {
    AttentionOp(RowsLaunch singles, Optional<AttentionKernels.Tiles> tiles) {
        this(singles, tiles, Optional.empty());
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

    @Override
    public void launch(Stream stream, StepSize size) {
        if (size.tiles() == 0 && rotated.isPresent()) {
            rotated.get().run(stream, size.singles());
            return;
        }
        if (size.singles() > 0) {
            singles.run(stream, size.singles());
        }
        if (size.tiles() > 0) {
            tiles.orElseThrow().run(stream, size.tiles());
        }
    }
}
