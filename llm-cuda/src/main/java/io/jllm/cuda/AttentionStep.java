package io.jllm.cuda;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import java.util.Optional;

/**
 * Attention over the pages of a layer: one kernel for sequences with one token, which splits their positions over the device, and one for tiles of queries of the
 * others.
 *
 * @param singles the first
 * @param tiles the second; none in a program for decoding
 * @param multiprocessors of the device
 * @param heads query heads
 * @param kvHeads key and value heads
 */
record AttentionStep(Launch singles, Optional<Launch> tiles, int multiprocessors, int heads, int kvHeads) implements Step {
    /** Blocks for each multiprocessor, so that each has something to wait for while another loads. */
    private static final int BLOCKS_EACH = 2;
    private static final int MOST_SPLITS = 64;

    @Override
    public void launch(Stream stream, StepSize size) {
        if (size.singles() > 0) {
            int splits = Math.clamp(Math.ceilDiv(BLOCKS_EACH * multiprocessors, kvHeads * size.singles()), 1, MOST_SPLITS);
            singles.run(stream, splits, kvHeads, size.singles());
        }
        if (size.tiles() > 0) {
            tiles.orElseThrow().run(stream, size.tiles(), heads, 1);
        }
    }
}
