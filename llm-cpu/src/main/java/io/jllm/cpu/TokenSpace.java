package io.jllm.cpu;

import io.jllm.cpu.machine.TokenFormat;
import java.util.Map;

/**
 * What products of rearranged weights need of scratch memory for their tokens.
 *
 * @param columns for each way in which tokens are arranged, the widest product that wants them so
 */
record TokenSpace(Map<TokenFormat, Long> columns) {
    /** For programs without such weights. */
    static final TokenSpace NONE = new TokenSpace(Map.of());

    /** Bytes for so many tokens. */
    long bytes(long tokens) {
        return columns.entrySet().stream().mapToLong(e -> e.getKey().bytes(tokens, e.getValue())).sum();
    }
}
