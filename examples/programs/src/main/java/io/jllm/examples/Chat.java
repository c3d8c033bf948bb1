package io.jllm.examples;

import io.jllm.ChatStream;
import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.chat.AnswerPart;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.ChatOptions.WithoutTemplate;
import io.jllm.chat.Message;
import io.jllm.demo.DemoModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Two questions and their answers as they come. Arguments: an instruct model, questions; without them the demo model does what it can. */
public final class Chat {
    private Chat() {
    }

    /** Runs it. */
    public static void main(String[] args) {
        Path model = args.length > 0 ? Path.of(args[0]) : DemoModel.path();
        List<String> questions = args.length > 1 ? Arrays.asList(args).subList(1, args.length) : List.of("Who lived in the wood?", "And who else?");
        var options = ChatOptions.builder().withoutTemplate(WithoutTemplate.CHATML).build();
        var said = new ArrayList<>(List.of(Message.system("Answer in one sentence.")));
        try (LLM llm = LLM.load(model).open()) {
            for (String question : questions) {
                said.add(Message.user(question));
                try (ChatStream answer = llm.streamChat(said, options, SamplingParams.greedy().toBuilder().maxTokens(30).build())) {
                    for (AnswerPart part : answer) {
                        System.out.print(part instanceof AnswerPart.Content c ? c.text() : "");
                    }
                    said.add(answer.result().join().message());
                    System.out.println();
                }
            }
        }
    }
}
