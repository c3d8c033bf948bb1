package io.jllm.examples;

import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.TokenStream;
import io.jllm.demo.DemoModel;
import java.nio.file.Path;

/** Shows a text while it is generated. Arguments: model, text; without them the demo model tells a tale. */
public final class Stream {
    private Stream() {
    }

    /** Runs it. */
    public static void main(String[] args) {
        Path model = args.length > 0 ? Path.of(args[0]) : DemoModel.path();
        String prompt = args.length > 1 ? args[1] : "The dragon said";
        try (LLM llm = LLM.load(model).open();
                TokenStream stream = llm.stream(Prompt.of(prompt), SamplingParams.greedy().toBuilder().maxTokens(60).build())) {
            System.out.print(prompt);
            for (TokenStream.Piece piece : stream) {
                System.out.print(piece.text());
                System.out.flush();
            }
            RequestOutput result = stream.result().join();
            System.out.printf("%n[%d tokens in %d ms, ended by %s]%n", result.tokenIds().length,
                    result.metrics().total().toMillis(), result.finishReason());
        }
    }
}
