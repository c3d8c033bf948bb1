package io.jllm.micrometer;

import io.jllm.FinishReason;

/** Names and tags that meters have in common. */
final class Names {
    private static final String PREFIX = "vllm:";

    /** The tag for the model. */
    static final String MODEL = "model";
    /** The tag for why requests ended. */
    static final String FINISHED_REASON = "finished_reason";

    private Names() {
    }

    static String of(String name) {
        return PREFIX + name;
    }

    static String reason(FinishReason reason) {
        return switch (reason) {
            case STOP, TOOL_CALLS -> "stop";
            case LENGTH -> "length";
            case CANCELLED -> "abort";
            case ERROR -> "error";
        };
    }
}
