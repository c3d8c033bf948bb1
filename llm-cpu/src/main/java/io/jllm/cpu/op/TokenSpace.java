package io.jllm.cpu.op;

import io.jllm.cpu.layout.TokenFormat;
import java.util.Map;

/**
 * What products of rearranged weights need of scratch memory for their tokens.
 *
 * @param columns for each way in which tokens are arranged, the widest product that wants them so
 */
public record TokenSpace(Map<TokenFormat, Long> columns) {
    /** For programs without such weights. */
    public static final TokenSpace NONE = new TokenSpace(Map.of());

    /** Bytes for so many tokens. */
    long bytes(long tokens) {
        return columns.entrySet().stream().mapToLong(e -> e.getKey().bytes(tokens, e.getValue())).sum();
    }
}
