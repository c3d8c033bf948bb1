package io.jllm.embedding;

/** How the hidden states of a text's tokens become one vector. */
public enum Pooling {
    /** That of the last token: the only one that has seen the whole text, where attention is causal. */
    LAST,
    /** The mean of all tokens'. */
    MEAN,
    /** That of the first token, which some models put before each text. */
    CLS
}
