package io.jllm.jmh.chat;

import io.jllm.chat.ChatOptions;
import io.jllm.chat.ChatPrompt;
import io.jllm.chat.ChatTemplate;
import io.jllm.chat.Message;
import io.jllm.chat.Tool;
import io.jllm.chat.ToolCall;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** A conversation with tools, every fourth turn of which calls one, by a chat template: what is done before the prompt is encoded. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class Rendering {
    private static final String LONG = "long";
    private static final int BRANCHES = 100;

    /** {@code long}: 10 kB, of which each message passes a hundred branches; or the path of a file with a template. */
    @Param(LONG)
    private String template;

    /** Questions with their answers. */
    @Param("100")
    private int turns;

    private ChatTemplate compiled;
    private List<Message> messages;
    private ChatOptions options;

    /** Makes the conversation. */
    @Setup
    public void talk() throws IOException {
        String source = template.equals(LONG) ? longTemplate() : Files.readString(Path.of(template));
        compiled = ChatTemplate.of(Map.of("default", source), Map.of("bos_token", "<s>", "eos_token", "</s>"));
        messages = new ArrayList<>(List.of(Message.system("You answer in one sentence.")));
        for (int turn = 0; turn < turns; turn++) {
            messages.add(Message.user("Question " + turn + ": how warm is it where the river meets the sea, and will it rain?"));
            if (turn % 4 == 3) {
                var call = new ToolCall("call_" + turn, "weather", "{\"place\": \"mouth of river " + turn + "\", \"days\": 2}");
                messages.add(Message.assistant("", List.of(call)));
                messages.add(Message.tool(call, "{\"celsius\": " + turn % 30 + "}"));
            }
            messages.add(Message.assistant("It is about " + turn % 30 + " degrees there, and dry until the evening."));
        }
        var tool = new Tool("weather", "The weather of a place.", """
                {"type": "object", "properties": {"place": {"type": "string"}, "days": {"type": "integer"}}, "required": ["place"]}""");
        options = ChatOptions.builder().tools(List.of(tool)).build();
        if (render().text().length() < 100L * turns) {
            throw new IllegalStateException("the template leaves messages out");
        }
    }

    private static String longTemplate() {
        String branches = IntStream.range(0, BRANCHES)
                .mapToObj(i -> "{%- elif message.role == 'aside" + i + "' %}\n{{- '<|aside|>' + message.content + '<|end|>\\n' }}\n")
                .collect(Collectors.joining());
        return """
                {{- bos_token }}
                {%- if tools %}
                {{- '<|tools|>' }}
                {%- for tool in tools %}
                {{- tool | tojson(indent=2) }}
                {%- endfor %}
                {{- '<|end|>\\n' }}
                {%- endif %}
                {%- for message in messages %}
                {%- if message.role == 'nobody' %}
                {{- raise_exception('nobody says nothing') }}
                """ + branches + """
                {%- else %}
                {{- '<|' + message.role + '|>' }}
                {%- if message.content %}{{- message.content | trim }}{% endif %}
                {%- for call in message.tool_calls or [] %}
                {{- '\\n<tool_call>' + call.function.name + call.function.arguments | tojson + '</tool_call>' }}
                {%- endfor %}
                {{- '<|end|>\\n' }}
                {%- endif %}
                {%- endfor %}
                {%- if add_generation_prompt %}{{- '<|assistant|>' }}{% endif %}
                """;
    }

    /** The prompt of the whole conversation. */
    @Benchmark
    public ChatPrompt render() {
        return compiled.render(messages, options);
    }
}
