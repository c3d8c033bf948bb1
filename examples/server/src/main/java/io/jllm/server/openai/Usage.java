package io.jllm.server.openai;

import com.google.gson.JsonObject;
import io.jllm.FinishReason;
import io.jllm.server.json.Json;

/** What replies say of tokens, and of ends. */
final class Usage {
    private Usage() {
    }

    static JsonObject of(int prompt, int cached, int generated, int reasoning) {
        return Json.object().put("prompt_tokens", prompt).put("completion_tokens", generated).put("total_tokens", prompt + generated)
                .put("prompt_tokens_details", Json.object().put("cached_tokens", cached))
                .put("completion_tokens_details", Json.object().put("reasoning_tokens", reasoning)).json();
    }

    static String finishReason(FinishReason reason) {
        return switch (reason) {
            case STOP -> "stop";
            case LENGTH -> "length";
            case TOOL_CALLS -> "tool_calls";
            case CANCELLED, ERROR -> "abort"; // as vLLM has it
        };
    }
}
