package io.jllm.server.generation;

import io.jllm.SamplingParams;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.Message;
import java.util.List;

/**
 * A conversation to be answered.
 *
 * @param messages what was said, oldest first
 * @param options tools, template and its variables
 * @param params how to answer, and how often
 * @param oneCall whether of the calls in an answer only the first counts
 */
public record ChatTask(List<Message> messages, ChatOptions options, SamplingParams params, boolean oneCall) {
    public ChatTask {
        messages = List.copyOf(messages);
    }
}
