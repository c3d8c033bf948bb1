package io.jllm.cuda;

import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.StepArrays;
import io.jllm.cuda.memory.StepSize;
import io.jllm.cuda.memory.StepUpload;
import io.jllm.cuda.sample.RowSampler;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.StepBatch;

/**
 * Brings a step's numbers to the device, where tokens that nobody has read yet take their places.
 *
 * @param tokens ids that the model has
 */
record StepInput(RunnerOptions options, int tokens, StepUpload upload, RowSampler sampler, Stream stream) {
    /**
     * Checks what kernels take for granted.
     *
     * @throws IllegalArgumentException if the batch is too large, or has a token that there is not
     */
    void check(StepBatch b) {
        if (b.tokens > options.maxTokensPerStep() || b.logitRows > options.maxLogitRows() || b.sequences > options.maxSequences()) {
            throw new IllegalArgumentException("a step of " + b.tokens + " tokens, " + b.sequences + " sequences and " + b.logitRows + " rows of "
                    + "logits; the limits are " + options.maxTokensPerStep() + ", " + options.maxSequences() + " and " + options.maxLogitRows());
        }
        for (int t = 0; t < b.tokens; t++) {
            int id = b.tokenIds[t];
            if (id >= tokens) {
                throw new IllegalArgumentException("token id " + id + " is not in the vocabulary of " + tokens);
            } else if (id < 0 && !sampler.draws(StepBatch.drawn(id))) {
                throw new IllegalArgumentException("token id " + id + " is neither in the vocabulary of " + tokens + " nor stands for a row that the "
                        + "last drawing draws: it has no row " + StepBatch.drawn(id));
            }
        }
    }

    /**
     * Queues it.
     *
     * @param padded what is launched
     */
    void send(StepBatch b, StepSize padded) {
        upload.send(b, padded, stream);
        for (int t = 0; t < b.tokens; t++) {
            if (b.tokenIds[t] < 0) {
                sampler.take(upload.address(StepArrays.Field.TOKEN_IDS), b.tokens);
                return;
            }
        }
    }
}
