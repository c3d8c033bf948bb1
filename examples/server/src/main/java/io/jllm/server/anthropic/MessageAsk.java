package io.jllm.server.anthropic;

import io.jllm.SamplingParamsBuilder;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.Message;
import io.jllm.chat.Role;
import io.jllm.chat.ToolChoice;
import io.jllm.server.generation.ChatTask;
import io.jllm.server.generation.SamplingFields;
import io.jllm.server.generation.Serving;
import io.jllm.server.json.Field;
import io.jllm.server.model.Lease;
import io.jllm.server.openai.ChatTools;
import java.util.List;
import java.util.OptionalInt;

/**
 * What a request for a message asks.
 *
 * @param stream whether the answer is wanted as it comes
 */
record MessageAsk(ChatTask task, boolean stream) {
    static MessageAsk read(Field body, Serving serving, Lease lease) {
        SamplingParamsBuilder params = SamplingFields.read(body, lease);
        OptionalInt most = body.get("max_tokens").integer(1, Integer.MAX_VALUE);
        params.maxTokens(most.orElseThrow(() -> body.get("max_tokens").wrong("a whole number of at least 1")));
        params.stop(SamplingFields.stops(body.get("stop_sequences")).toArray(String[]::new));
        serving.bounds().of(body, body.get("output_config").get("format")).ifPresent(params::constraint);
        return new MessageAsk(task(body, serving, params), body.get("stream").isTrue());
    }

    /** The task, of which all but how it is answered decides the prompt. */
    static ChatTask task(Field body, Serving serving, SamplingParamsBuilder params) {
        ChatOptions.Builder options = serving.chat().toBuilder();
        options.callsOrConstraint(!body.get("output_config").get("format").isMissing());
        List<Field> tools = body.get("tools").list();
        for (Field tool : tools) {
            if (!tool.get("type").optionalText().orElse("custom").equals("custom")) {
                throw tool.get("type").unsupported("this server runs no tools: give tools with an input_schema, which the client runs");
            }
        }
        options.tools(tools.stream().map(t -> ChatTools.tool(t, t.get("input_schema"))).toList());
        Field choice = body.get("tool_choice");
        options.toolChoice(choice(choice, tools));
        body.get("thinking").get("type").oneOf("enabled", "disabled", "adaptive")
                .ifPresent(type -> options.variable("enable_thinking", !type.equals("disabled")));
        List<Message> messages = InputBlocks.read(body);
        options.continueLastMessage(messages.getLast().role() == Role.ASSISTANT); // a prefill, which the answer goes on with
        return new ChatTask(messages, options.build(), params.build(), choice.get("disable_parallel_tool_use").isTrue());
    }

    private static ToolChoice choice(Field choice, List<Field> tools) {
        if (choice.isMissing()) {
            return ToolChoice.auto();
        }
        return switch (choice.get("type").text()) {
            case "auto" -> ToolChoice.auto();
            case "none" -> ToolChoice.none();
            case "any" -> {
                if (tools.isEmpty()) {
                    throw choice.get("type").wrong("auto or none, where no tools are given");
                }
                yield ToolChoice.required();
            }
            case "tool" -> {
                String name = choice.get("name").text();
                if (tools.stream().noneMatch(t -> t.get("name").text().equals(name))) {
                    throw choice.get("name").wrong("the name of one of the tools");
                }
                yield ToolChoice.named(name);
            }
            default -> throw choice.get("type").wrong("one of auto, any, tool, none");
        };
    }
}
