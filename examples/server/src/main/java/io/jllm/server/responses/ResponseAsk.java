package io.jllm.server.responses;

import io.jllm.SamplingParams;
import io.jllm.SamplingParamsBuilder;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.ContextOverflow;
import io.jllm.server.generation.ChatTask;
import io.jllm.server.generation.SamplingFields;
import io.jllm.server.generation.Serving;
import io.jllm.server.json.Field;
import io.jllm.server.json.Json;
import io.jllm.server.model.Lease;
import io.jllm.server.openai.ChatTools;
import java.util.List;
import java.util.Map;

/**
 * What a request for a response asks.
 *
 * @param body the request's own words, some of which the response repeats
 * @param stream whether the answer is wanted as it comes
 */
record ResponseAsk(Field body, ChatTask task, boolean stream) {
    private static final Map<String, String> UNSUPPORTED = Map.of(
            "previous_response_id", "nothing is stored here: send the whole conversation as input",
            "conversation", "nothing is stored here: send the whole conversation as input",
            "prompt", "no prompts are stored here: send instructions and input",
            "context_management", "send the part of the conversation that is meant as input");

    static ResponseAsk read(Field body, Serving serving, Lease lease) {
        UNSUPPORTED.forEach((name, instead) -> {
            if (!body.get(name).isMissing()) {
                throw body.get(name).unsupported(instead);
            }
        });
        if (body.get("background").isTrue()) {
            throw body.get("background").unsupported("leave it out, and wait for the answer, or stream it");
        }
        if (body.get("top_logprobs").integer(0, SamplingFields.MAX_LOGPROBS).orElse(0) > 0) {
            throw body.get("top_logprobs").unsupported("/v1/chat/completions and /v1/completions give log-probabilities");
        }
        for (Field include : body.get("include").list()) {
            if (include.text().endsWith("logprobs")) {
                throw include.unsupported("/v1/chat/completions and /v1/completions give log-probabilities");
            }
        }
        SamplingParamsBuilder params = SamplingFields.read(body, lease);
        SamplingFields.lengths(body.get("max_output_tokens"), body.get("min_tokens"), lease.llm().maxContext(), params);
        serving.bounds().of(body, body.get("text").get("format")).ifPresent(params::constraint);
        SamplingParams built = params.build();
        boolean oneCall = !body.get("parallel_tool_calls").flag().orElse(true);
        return new ResponseAsk(body, new ChatTask(InputItems.read(body), options(body, serving), built, oneCall), body.get("stream").isTrue());
    }

    private static ChatOptions options(Field body, Serving serving) {
        ChatOptions.Builder options = serving.chat().toBuilder();
        options.callsOrConstraint(!body.get("text").get("format").isMissing());
        List<Field> tools = body.get("tools").list();
        for (Field tool : tools) {
            if (!tool.get("type").text().equals("function")) {
                throw tool.get("type").unsupported("this server runs no tools: give functions, which the client runs");
            }
        }
        options.tools(tools.stream().map(t -> ChatTools.tool(t, t.get("parameters"))).toList());
        options.strictTools(tools.stream().anyMatch(t -> t.get("strict").isTrue()));
        ChatTools.choose(body.get("tool_choice"), true, tools, options);
        body.get("reasoning").get("effort").optionalText().ifPresent(effort -> options.variable("reasoning_effort", effort));
        Field variables = body.get("chat_template_kwargs");
        variables.keys().forEach(name -> options.variableJson(name, Json.text(variables.get(name).json())));
        body.get("truncation").oneOf("auto", "disabled").filter("auto"::equals)
                .ifPresent(_ -> options.contextOverflow(ContextOverflow.dropOldestTurns()));
        return options.build();
    }
}
