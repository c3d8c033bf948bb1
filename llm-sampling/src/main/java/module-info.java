/** Turning a row of logits into a token: the sampler chain, over primitive arrays and without a model. */
module io.jllm.sampling {
    exports io.jllm.sampling;
}
