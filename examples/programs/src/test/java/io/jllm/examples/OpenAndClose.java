package io.jllm.examples;

import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.SamplingParams;
import io.jllm.demo.DemoModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Opens the demo model, generates, and closes it, again and again; prints after each time what the process holds: anonymous
 * resident memory, heap in use after a collection, and live threads. Argument: how often.
 */
final class OpenAndClose {
    private OpenAndClose() {
    }

    public static void main(String[] args) throws IOException {
        int rounds = Integer.parseInt(args[0]);
        SamplingParams params = SamplingParams.builder().temperature(0).maxTokens(24).build();
        for (int i = 1; i <= rounds; i++) {
            try (LLM llm = LLM.load(DemoModel.path()).open()) {
                llm.generate(List.of(Request.of("Once upon a time", params), Request.of("The king", params.toBuilder().n(3).build())));
                try (var stream = llm.stream(Prompt.of("A dragon"), params)) {
                    stream.iterator().next();
                }
            }
            System.gc();
            Runtime vm = Runtime.getRuntime();
            System.out.println(i + " " + residentKib() + " " + (vm.totalMemory() - vm.freeMemory() >> 10) + " "
                    + Thread.getAllStackTraces().size());
        }
    }

    private static long residentKib() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("RssAnon:")) {
                return Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        throw new IOException("this kernel does not tell RssAnon");
    }
}
