package io.jllm.chat;

import io.jllm.jinja.value.Dict;
import io.jllm.jinja.value.ListValue;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Messages as templates are given them by transformers and vLLM: dictionaries in the form of the OpenAI API, with arguments of calls parsed. */
record MessageValues(CompiledTemplate template) {
    Value of(List<Message> messages) {
        List<Value> values = new ArrayList<>(messages.size());
        messages.forEach(m -> values.add(of(m, m.content())));
        return new ListValue(values);
    }

    /** A message with another content. */
    Value of(Message message, String content) {
        Map<String, Value> value = new LinkedHashMap<>();
        Role role = message.role() == Role.DEVELOPER && !template.knowsDevelopers() ? Role.SYSTEM : message.role();
        value.put("role", Str.trusted(role.templateName()));
        value.put("content", content(content));
        message.reasoning().ifPresent(reasoning -> {
            for (String name : List.of("reasoning_content", "reasoning", "thinking")) {
                if (name.equals("reasoning_content") || template.traits().reads(name)) {
                    value.put(name, Str.data(reasoning));
                }
            }
        });
        message.name().ifPresent(name -> value.put("name", Str.data(name)));
        message.toolCallId().ifPresent(id -> value.put("tool_call_id", Str.data(id)));
        if (!message.toolCalls().isEmpty()) {
            List<Value> calls = new ArrayList<>();
            message.toolCalls().forEach(call -> calls.add(call(call)));
            value.put("tool_calls", new ListValue(calls));
        }
        return Dict.of(value);
    }

    private Value content(String content) {
        return template.traits().wantsParts()
                ? ListValue.of(Dict.of(CompiledTemplate.ordered("type", Str.trusted("text"), "text", Str.data(content)))) : Str.data(content);
    }

    private Value call(ToolCall call) {
        Map<String, Value> value = new LinkedHashMap<>();
        value.put("id", Str.data(call.id()));
        value.put("type", Str.trusted("function"));
        value.put("function", Dict.of(CompiledTemplate.ordered("name", Str.data(call.name()), "arguments", arguments(call))));
        return Dict.of(value);
    }

    private Value arguments(ToolCall call) {
        Value parsed = call.arguments().isBlank() ? new Dict()
                : CompiledTemplate.parsed(call.arguments(), "the arguments of the call " + call.id() + " of " + call.name());
        return template.traits().wantsArgumentsAsText() ? Str.data(call.arguments().isBlank() ? "{}" : call.arguments()) : parsed;
    }
}
