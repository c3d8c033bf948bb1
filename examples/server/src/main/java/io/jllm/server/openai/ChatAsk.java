package io.jllm.server.openai;

import io.jllm.SamplingParamsBuilder;
import io.jllm.chat.ChatOptions;
import io.jllm.server.generation.ChatTask;
import io.jllm.server.generation.SamplingFields;
import io.jllm.server.generation.Serving;
import io.jllm.server.json.BadField;
import io.jllm.server.json.Field;
import io.jllm.server.json.Json;
import io.jllm.server.model.Lease;
import java.util.Set;

/**
 * What a request for a chat asks.
 *
 * @param stream whether the answer is wanted as it comes
 * @param usage whether a stream ends with the usage
 * @param logprobs whether log-probabilities are wanted
 * @param byId whether they name tokens by their ids
 */
record ChatAsk(ChatTask task, boolean stream, boolean usage, boolean logprobs, boolean byId) {
    private static final Set<String> OF_THE_SERVER = Set.of("chat_template");

    static ChatAsk read(Field body, Serving serving, Lease lease) {
        ChatOptions.Builder options = options(body, serving);
        SamplingParamsBuilder params = SamplingFields.read(body, lease);
        SamplingFields.lengths(body.either("max_completion_tokens", "max_tokens"), body.get("min_tokens"), lease.llm().maxContext(), params);
        body.get("n").integer(1, Integer.MAX_VALUE).ifPresent(params::n);
        boolean logprobs = body.get("logprobs").isTrue();
        body.get("top_logprobs").integer(0, SamplingFields.MAX_LOGPROBS).ifPresent(k -> {
            if (k > 0 && !logprobs) {
                throw new BadField("top_logprobs", "top_logprobs is " + k + ", and logprobs is not true");
            }
            params.logprobs(k);
        });
        serving.bounds().of(body, body.get("response_format")).ifPresent(params::constraint);
        boolean oneCall = !body.get("parallel_tool_calls").flag().orElse(true);
        var task = new ChatTask(ChatMessages.read(body.get("messages")), options.build(), params.build(), oneCall);
        return new ChatAsk(task, body.get("stream").isTrue(), body.get("stream_options").get("include_usage").isTrue(), logprobs,
                body.get("return_tokens_as_token_ids").isTrue());
    }

    /** Tools, and what else decides the prompt. */
    static ChatOptions.Builder options(Field body, Serving serving) {
        for (String name : OF_THE_SERVER) {
            if (!body.get(name).isMissing()) {
                throw new BadField(name, name + " is not taken from requests; it is chosen where the server is started");
            }
        }
        body.get("modalities").list().forEach(m -> m.oneOf("text"));
        ChatOptions.Builder options = serving.chat().toBuilder();
        options.callsOrConstraint(!body.get("response_format").isMissing());
        ChatTools.read(body, options);
        body.get("add_generation_prompt").flag().ifPresent(options::addGenerationPrompt);
        body.get("continue_final_message").flag().ifPresent(options::continueLastMessage);
        body.get("reasoning_effort").optionalText().ifPresent(effort -> options.variable("reasoning_effort", effort));
        Field variables = body.get("chat_template_kwargs");
        for (String name : variables.keys()) {
            try {
                options.variableJson(name, Json.text(variables.get(name).json()));
            } catch (IllegalArgumentException e) {
                throw new BadField(variables.name(), e.getMessage());
            }
        }
        return options;
    }
}
