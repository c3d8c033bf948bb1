package io.jllm.examples;

import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.Message;
import io.jllm.chat.tools.Conversation;
import io.jllm.chat.tools.ToolMethod;
import io.jllm.chat.tools.Tools;
import io.jllm.demo.DemoModel;
import io.jllm.schema.Description;
import io.jllm.schema.Name;
import java.nio.file.Path;
import java.util.List;

/** Lets a model call methods. Arguments: a model that knows tools, a question; the demo model, which knows none, answers without. */
public final class ToolCalls {
    private static final String PLAIN = "{% for m in messages %}{{ m.content }} {{ m.tool_calls }}{% endfor %}{% if tools %}{% endif %}";

    private ToolCalls() {
    }

    public static final class Weather {
        @ToolMethod("The temperature in a city now, in degrees Celsius")
        public double temperature(@Name("city") @Description("its name, in English") String city) {
            return city.equals("Oslo") ? -3.5 : 21;
        }
    }

    /** Runs it. */
    public static void main(String[] args) {
        String question = args.length > 1 ? args[1] : "How cold is it in Oslo?";
        try (LLM llm = LLM.load(args.length > 0 ? Path.of(args[0]) : DemoModel.path()).open()) {
            var options = llm.chatTemplate().isEmpty() ? ChatOptions.builder().template(PLAIN).build() : ChatOptions.defaults();
            var params = SamplingParams.greedy().toBuilder().maxTokens(60).build();
            var all = llm.converse(List.of(Message.user(question)), Conversation.with(Tools.of(new Weather())), options, params);
            all.messages().forEach(m -> System.out.println(m.role() + ": " + m.content() + m.toolCalls()));
        }
    }
}
