package io.jllm.langchain4j;

import io.jllm.LLM;
import io.jllm.Request;
import io.jllm.SamplingParams;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.Message;
import java.util.List;

/**
 * What a request asks of the library.
 *
 * @param modelName the name that the answer tells
 * @param llm the model of that name
 * @param messages what was said, oldest first
 * @param options tools, template and its variables
 * @param params how to answer
 * @param oneCall whether of the calls in an answer only the first counts
 * @param logprobs whether log-probabilities are wanted
 */
record ChatAsk(String modelName, LLM llm, List<Message> messages, ChatOptions options, SamplingParams params, boolean oneCall, boolean logprobs) {
    /** @throws RuntimeException of LangChain4j's, if it cannot be answered */
    Request.Chat prepare() {
        try {
            return llm.chatRequest(messages, options, params);
        } catch (RuntimeException e) {
            throw Failures.of(e);
        }
    }
}
