package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.EngineListener;
import io.jllm.EngineMetrics;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.SamplingParams;
import io.jllm.spi.Uncaught;
import io.jllm.tokenizer.StreamingDetokenizer;
import io.jllm.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** The warm-up while a model is loaded is not seen from outside. */
@Isolated("records the events of this JVM")
class EngineWarmUpTest {
    @Test
    void leavesNothingBehind(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("warm-up.jfr");
        List<Long> heard = Collections.synchronizedList(new ArrayList<>());
        var listener = new EngineListener() {
            @Override
            public void queued(long requestId, int promptTokens) {
                heard.add(requestId);
            }
        };
        try (var recording = new Recording(); LLM llm = TinyLlm.open(TinyLlm.options(4, 64, 8, 200), r -> r, listener)) {
            recording.enable("io.jllm.Request");
            recording.start();
            EngineMetrics before = llm.metrics();
            assertEquals(0, before.generatedTokens());
            assertEquals(0, before.steps());
            assertTrue(heard.isEmpty());
            var params = SamplingParams.builder().temperature(0).maxTokens(3).ignoreEos(true).build();
            assertEquals(1, llm.generate(List.of(Prompt.ofTokens(1, 2, 3)), params).getFirst().requestId());
            assertEquals(List.of(1L), heard);
            llm.close();
            recording.stop();
            recording.dump(file);
        }
        assertEquals(1, RecordingFile.readAllEvents(file).stream().filter(e -> e.getEventType().getName().equals("io.jllm.Request")).count());
    }

    @Test
    void noFlightRecorderHearsOfIt(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("open.jfr");
        try (var recording = new Recording()) {
            recording.enable("io.jllm.Request");
            recording.enable("io.jllm.Step");
            recording.start();
            TinyLlm.open(TinyLlm.options(4, 64, 8, 200)).close();
            recording.stop();
            recording.dump(file);
        }
        assertTrue(RecordingFile.readAllEvents(file).stream().noneMatch(e -> e.getEventType().getName().startsWith("io.jllm.")));
    }

    /** What a JVM cannot do comes to whoever loads the model, and to no handler of what nobody caught. */
    @Test
    void errorsReachTheCallerAlone() {
        var error = new LinkageError("pretended");
        try (var _ = new Uncaught()) {
            EngineWarmUp warmUp = EngineWarmUp.begin(() -> {
                throw error;
            });
            assertSame(error, assertThrows(LinkageError.class, warmUp::await));
            warmUp.end();
            EngineWarmUp.begin(() -> {
                throw new IllegalStateException("no tokenizer");
            }).await();
            for (String call : List.of("eos", "encode", "detokenizer", "push")) {
                assertSame(error, assertThrows(LinkageError.class, () -> TinyLlm.open(TinyLlm.options(4, 64, 8, 200), failing(call, error)), call));
            }
        }
    }

    /** The tokenizer of the tests, but that one of its methods fails, or that of the detokenizers it makes. */
    private static Tokenizer failing(String call, Error error) {
        var letters = new LetterTokenizer();
        return (Tokenizer) Proxy.newProxyInstance(Tokenizer.class.getClassLoader(), new Class<?>[] {Tokenizer.class, StreamingDetokenizer.class},
                (proxy, method, arguments) -> {
                    if (method.getName().equals(call)) {
                        throw error;
                    }
                    return switch (method.getName()) {
                        case "encode" -> new int[] {1}; // whatever the warm-up says, it has letters
                        case "detokenizer" -> proxy;
                        default -> method.invoke(letters, arguments);
                    };
                });
    }
}
