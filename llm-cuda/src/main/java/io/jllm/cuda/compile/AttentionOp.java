package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.memory.StepSize;
import java.util.Optional;

/**
 * Attention over the pages of a layer: one kernel for sequences with one token, which splits their positions over the device, and one for tiles of
 * queries of the others.
 *
 * @param singles the first
 * @param tiles the second; none in a program for decoding
 * @param multiprocessors of the device
 * @param heads query heads
 * @param kvHeads key and value heads
 */
record AttentionOp(Launch singles, Optional<Launch> tiles, int multiprocessors, int heads, int kvHeads) implements CompiledOp {
    private static final int MOST_SPLITS = 64;

    @Override
    public void launch(Stream stream, StepSize size) {
        if (size.singles() > 0) {
            // A block for each multiprocessor: a second one would wait until the first has ended.
            int splits = Math.clamp(multiprocessors / ((long) kvHeads * size.singles()), 1, MOST_SPLITS);
            singles.run(stream, splits, kvHeads, size.singles());
        }
        if (size.tiles() > 0) {
            tiles.orElseThrow().run(stream, size.tiles(), heads, 1);
        }
    }
}
