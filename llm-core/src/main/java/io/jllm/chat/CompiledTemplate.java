package io.jllm.chat;

import io.jllm.jinja.Template;
import io.jllm.jinja.TemplateTraits;
import io.jllm.jinja.json.JsonText;
import io.jllm.jinja.value.Bool;
import io.jllm.jinja.value.Dict;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.ListValue;
import io.jllm.jinja.value.None;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Value;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A template that is read, and what it expects.
 *
 * @param source its text
 * @param traits in which of the forms that templates differ in it takes contents and calls
 */
record CompiledTemplate(String source, Template template, TemplateTraits traits) {
    /** @throws ChatTemplateException if it is broken */
    static CompiledTemplate of(String source) {
        try {
            Template template = Template.parse(source);
            return new CompiledTemplate(source, template, TemplateTraits.of(template));
        } catch (JinjaException e) {
            throw new ChatTemplateException(e.getMessage(), e.line());
        }
    }

    /** Whether it says anything about tools. */
    boolean knowsTools() {
        return source.contains("tools");
    }

    /** Whether it knows the role {@code developer}. */
    boolean knowsDevelopers() {
        return source.contains("developer");
    }

    /** What is passed to it beside messages and tokens. */
    Map<String, Value> variables(ChatOptions options) {
        Map<String, Value> variables = new LinkedHashMap<>();
        options.variables().forEach((name, json) -> variables.put(name, parsed(json, "the variable " + name)));
        variables.put("tools", options.toldTools().isEmpty() ? None.NONE : tools(options.toldTools()));
        variables.put("documents", None.NONE);
        variables.put("add_generation_prompt", Bool.of(options.addGenerationPrompt() && !options.continueLastMessage()));
        return variables;
    }

    private static Value tools(List<Tool> tools) {
        List<Value> list = new ArrayList<>();
        for (Tool tool : tools) {
            Dict function = new Dict();
            function.put(Str.trusted("name"), Str.data(tool.name()));
            if (!tool.description().isEmpty()) {
                function.put(Str.trusted("description"), Str.data(tool.description()));
            }
            function.put(Str.trusted("parameters"), parsed(tool.parameters(), "the parameters of the tool " + tool.name()));
            list.add(Dict.of(ordered("type", Str.trusted("function"), "function", function)));
        }
        return new ListValue(list);
    }

    static Map<String, Value> ordered(String first, Value value, String second, Value other) {
        Map<String, Value> map = new LinkedHashMap<>();
        map.put(first, value);
        map.put(second, other);
        return map;
    }

    /** @throws IllegalArgumentException if it is no JSON; says what it is */
    static Value parsed(String json, String what) {
        try {
            return JsonText.parse(json);
        } catch (JsonText.Malformed e) {
            throw new IllegalArgumentException(what + " must be JSON: " + e.getMessage());
        }
    }

    /** @throws ChatTemplateException if it cannot be done */
    Str render(Map<String, Value> variables, Clock clock) {
        try {
            return template.render(variables, clock);
        } catch (JinjaException e) {
            throw new ChatTemplateException(e.getMessage(), e.line());
        }
    }
}
