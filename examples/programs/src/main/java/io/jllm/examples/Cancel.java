package io.jllm.examples;

import io.jllm.LLM;
import io.jllm.Request;
import io.jllm.RequestHandle;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.demo.DemoModel;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/** Starts a long text, and has another thread end it. Arguments: model, text; without them the demo model tells a tale. */
public final class Cancel {
    private Cancel() {
    }

    /** Runs it. */
    public static void main(String[] args) {
        Path model = args.length > 0 ? Path.of(args[0]) : DemoModel.path();
        String prompt = args.length > 1 ? args[1] : "Once upon a time";
        try (LLM llm = LLM.load(model).open()) {
            SamplingParams endless = SamplingParams.builder().temperature(0.7).ignoreEos(true).seed(1).build();
            RequestHandle handle = llm.submit(Request.of(prompt, endless));
            Thread.startVirtualThread(() -> {
                while (handle.progress().generatedTokens() < 20) {
                    LockSupport.parkNanos(1_000_000); // elsewhere, a person presses a button
                }
                handle.cancel(); // its memory is free before the next step
            });
            RequestOutput result = handle.result().join();
            System.out.println(prompt + result.text());
            System.out.println("[" + result.tokenIds().length + " tokens, " + result.finishReason() + "]");
        }
    }
}
