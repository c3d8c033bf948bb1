package io.jllm.engine;

import io.jllm.spi.StepBatch;
import java.util.function.Consumer;

/** Looks at each step for a KV block that one sequence writes while another one of the step reads it. */
record WriteGuard(int blockSize) implements Consumer<StepBatch> {
    @Override
    public void accept(StepBatch b) {
        for (int writer = 0; writer < b.sequences; writer++) {
            for (int t = b.queryStart[writer]; t < b.queryStart[writer + 1]; t++) {
                int written = b.kvSlots[t] / blockSize;
                if (b.blockTable[writer * b.maxBlocks + b.positions[t] / blockSize] != written) {
                    throw new AssertionError("position " + b.positions[t] + " goes to block " + written + ", which is not its own");
                }
                for (int reader = 0; reader < b.sequences; reader++) {
                    if (reader != writer && reads(b, reader, written)) {
                        throw new AssertionError("block " + written + " is written by one sequence and read by another");
                    }
                }
            }
        }
    }

    private boolean reads(StepBatch b, int sequence, int block) {
        for (int i = 0; i < Math.ceilDiv(b.contextLength[sequence], blockSize); i++) {
            if (b.blockTable[sequence * b.maxBlocks + i] == block) {
                return true;
            }
        }
        return false;
    }
}
