package io.jllm.jmh.server;

import io.jllm.LLM;
import io.jllm.server.LlmServer;
import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.ExecutionException;

/**
 * How long one waits for the first piece, in milliseconds; medians of calls in turn.
 *
 * @param engine of the engine
 * @param server of the server, over a connection that is kept
 */
record FirstByte(double engine, double server) {
    private static final int TOKENS = 2;

    static FirstByte of(LLM llm, LlmServer server, int calls) throws IOException, InterruptedException, ExecutionException {
        double[] engineMillis = new double[calls];
        double[] serverMillis = new double[calls];
        try (Asking direct = Asking.engine(llm); Asking served = Asking.server(server)) {
            for (int i = 0; i < calls; i++) {
                String prompt = "Once upon a time, in year " + i + ", there"; // neither finds what the other computed
                llm.resetPrefixCache();
                engineMillis[i] = direct.ask(prompt, TOKENS).firstNanos() / 1e6;
                llm.resetPrefixCache();
                serverMillis[i] = served.ask(prompt, TOKENS).firstNanos() / 1e6;
            }
        }
        return new FirstByte(median(engineMillis), median(serverMillis));
    }

    static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
