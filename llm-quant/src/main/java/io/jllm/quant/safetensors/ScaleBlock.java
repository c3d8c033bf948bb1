package io.jllm.quant.safetensors;

/**
 * The rows and columns of a weight matrix that share a scale, where its checkpoint says so: {@code weight_block_size}.
 *
 * @param rows at least 1
 * @param cols at least 1
 */
public record ScaleBlock(long rows, long cols) {
    /** Checks the sizes. */
    public ScaleBlock {
        if (rows < 1 || cols < 1) {
            throw new IllegalArgumentException("a block of " + rows + " x " + cols + " weights must have at least one");
        }
    }
}
