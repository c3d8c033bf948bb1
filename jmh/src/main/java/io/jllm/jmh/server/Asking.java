package io.jllm.jmh.server;

import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.TokenStream;
import io.jllm.server.LlmServer;
import java.io.IOException;
import java.util.concurrent.ExecutionException;

/** Somebody who asks for a number of tokens after a prompt, and reads them as they come. For one thread. */
interface Asking extends AutoCloseable {
    /**
     * What came of it.
     *
     * @param firstNanos from asking to the first piece
     * @param tokens how many were generated
     */
    record Answered(long firstNanos, int tokens) {
    }

    /** Asks, and reads to the end. */
    Answered ask(String prompt, int tokens) throws IOException, InterruptedException, ExecutionException;

    @Override
    void close() throws IOException;

    /** Of an engine, in this JVM. */
    static Asking engine(LLM llm) {
        return new Asking() {
            @Override
            public Answered ask(String prompt, int tokens) throws InterruptedException, ExecutionException {
                long begin = System.nanoTime();
                long first = 0;
                var params = SamplingParams.greedy().toBuilder().maxTokens(tokens).ignoreEos(true).build();
                try (TokenStream stream = llm.stream(new Request(Prompt.of(prompt), params))) {
                    for (TokenStream.Piece _ : stream) {
                        first = first == 0 ? System.nanoTime() - begin : first;
                    }
                    RequestOutput output = stream.result().get();
                    if (output.error().isPresent()) {
                        throw output.error().get();
                    }
                    return new Answered(first, output.metrics().generatedTokens());
                }
            }

            @Override
            public void close() {
                // the engine is not its own
            }
        };
    }

    /** Of a server, over a connection that is kept. */
    static Asking server(LlmServer server) throws IOException {
        return new Connection(server.port());
    }
}
