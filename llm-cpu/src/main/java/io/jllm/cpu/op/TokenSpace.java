package io.jllm.cpu.op;

import io.jllm.cpu.layout.TokenFormat;
import java.util.Map;

/**
 * What products need of scratch memory for their tokens.
 *
 * @param columns for each way in which tokens of rearranged weights are arranged, columns of a token in the product that has most of them;
 *     those of each expert or head count, each in whole blocks
 * @param gathered floats of a token that are copied for experts whose weights are not rearranged
 */
public record TokenSpace(Map<TokenFormat, Long> columns, long gathered) {
    /** For programs without such weights. */
    public static final TokenSpace NONE = new TokenSpace(Map.of(), 0);

    /** Bytes for so many tokens. */
    long bytes(long tokens) {
        return columns.entrySet().stream().mapToLong(e -> e.getKey().bytes(tokens, e.getValue())).sum() + tokens * gathered * Float.BYTES;
    }
}
