package io.jllm.engine.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.EngineListener;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.engine.LetterTokenizer;
import io.jllm.engine.Recorder;
import io.jllm.engine.TinyLlm;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** Flight recordings tell what happened, and a JVM without the flight recorder does without. */
@Isolated("records the events of this JVM")
class FlightRecorderTest {
    private static final SamplingParams LONG = SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(60).build();

    /** Eight requests of one prompt in a pool that is too small for them, one that is refused, and one that fails. */
    private static List<RequestOutput> work(LLM llm) {
        int[] prompt = new Random(1).ints(30, 0, LetterTokenizer.VOCAB).toArray();
        var asked = new ArrayList<Request>();
        for (int i = 0; i < 8; i++) {
            asked.add(new Request(Prompt.ofTokens(prompt), LONG.toBuilder().temperature(1).seed(i).build()));
        }
        asked.add(new Request(Prompt.ofTokens(99), LONG));
        asked.add(new Request(Prompt.ofTokens(prompt), LONG.toBuilder().logitsProcessor(() -> (_, _, _, _) -> {
            throw new IllegalArgumentException("no more");
        }).build()));
        return llm.generate(asked);
    }

    private static List<RecordedEvent> named(List<RecordedEvent> events, String name) {
        return events.stream().filter(e -> e.getEventType().getName().equals(name)).toList();
    }

    @Test
    void recordings(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("engine.jfr");
        List<RequestOutput> out;
        var heard = new Recorder();
        try (LLM llm = TinyLlm.open(TinyLlm.options(8, 64, 8, 200), r -> r, heard); var recording = new Recording()) {
            recording.start();
            out = work(llm);
            llm.close();
            recording.stop();
            recording.dump(file);
        }
        List<RecordedEvent> events = RecordingFile.readAllEvents(file);
        List<RecordedEvent> requests = named(events, "io.jllm.Request");
        assertEquals(10, requests.size());
        for (RequestOutput o : out) {
            RecordedEvent e = requests.stream().filter(r -> r.getLong("requestId") == o.requestId()).findFirst().orElseThrow();
            RequestOutput.Metrics m = o.metrics();
            assertEquals(m.queued(), e.getDuration("queued"));
            assertEquals(m.timeToFirstToken(), e.getDuration("timeToFirstToken"));
            assertEquals(m.total(), e.getDuration("total"));
            m.interToken().ifPresent(p -> {
                assertEquals(p.p50(), e.getDuration("interTokenMedian"));
                assertEquals(p.max(), e.getDuration("interTokenMax"));
            });
            assertEquals(m.promptTokens(), e.getInt("promptTokens"));
            assertEquals(m.cachedTokens(), e.getInt("cachedTokens"));
            assertEquals(m.generatedTokens(), e.getInt("generatedTokens"));
            assertEquals(m.preemptions(), e.getInt("preemptions"));
            assertEquals(1, e.getInt("outputs"));
            assertEquals(o.finishReason().name(), e.getString("finishReason"));
            assertEquals(o.error().map(Throwable::toString).orElse(""), e.getString("error"));
            if (o.error().isEmpty()) {
                assertTrue(e.getDuration().compareTo(m.total().minus(m.queued()).minus(Duration.ofMillis(5))) > 0, "it lasts as long as it ran");
            }
        }
        int preemptions = out.stream().mapToInt(o -> o.metrics().preemptions()).sum();
        assertTrue(preemptions > 0);
        assertEquals(preemptions, named(events, "io.jllm.Preemption").size());
        List<String> hits = heard.events.stream().filter(e -> e.contains(" hit ")).toList();
        assertFalse(hits.isEmpty());
        assertEquals(hits, named(events, "io.jllm.PrefixCacheHit").stream().map(e -> e.getLong("requestId") + " hit " + e.getInt("tokens")).toList());
        List<RecordedEvent> steps = named(events, "io.jllm.Step");
        assertEquals(heard.steps.size(), steps.size());
        for (int i = 0; i < steps.size(); i++) {
            assertSame(heard.steps.get(i), steps.get(i));
        }
        assertEquals(List.of("jLLM"), steps.getFirst().getEventType().getCategoryNames());
        assertEquals("jllm-engine", steps.getFirst().getThread().getJavaName());
    }

    private static void assertSame(EngineListener.Step want, RecordedEvent got) {
        assertEquals(want.number(), got.getLong("step"));
        assertEquals(want.sequences(), got.getInt("sequences"));
        assertEquals(want.tokens(), got.getInt("tokens"));
        assertEquals(want.prefillTokens(), got.getInt("prefillTokens"));
        assertEquals(want.decodeTokens(), got.getInt("decodeTokens"));
        assertEquals(want.running(), got.getInt("running"));
        assertEquals(want.waiting(), got.getInt("waiting"));
        assertEquals(want.kvBlocks(), got.getInt("kvBlocks"));
        assertEquals(want.usedKvBlocks(), got.getInt("usedKvBlocks"));
        assertEquals(want.kvBytes(), got.getLong("kvBytes"));
        assertEquals(want.schedule(), got.getDuration("schedule"));
        assertEquals(want.forward(), got.getDuration("forward"));
        assertEquals(want.deliver(), got.getDuration("deliver"));
        assertTrue(got.getDuration().compareTo(want.deliver()) >= 0, "it lasts as long as the step");
    }

    /** Recordings may begin when an engine is at work already. */
    @Test
    void aRecordingThatBeginsLate(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("late.jfr");
        try (LLM llm = TinyLlm.open(TinyLlm.options(8, 64, 8, 512)); var recording = new Recording()) {
            var stream = llm.stream(Prompt.of("hello"), LONG.toBuilder().maxTokens(200).build());
            var pieces = stream.iterator();
            pieces.next();
            recording.start();
            while (pieces.hasNext()) {
                pieces.next();
            }
            stream.result().get();
            llm.close();
            recording.stop();
            recording.dump(file);
        }
        List<RecordedEvent> events = RecordingFile.readAllEvents(file);
        assertEquals(200, named(events, "io.jllm.Request").getFirst().getInt("generatedTokens"));
        assertFalse(named(events, "io.jllm.Step").isEmpty());
    }

    @Test
    void aJvmWithoutFlightRecorder() throws Exception {
        var command = List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--limit-modules", "java.base,java.logging",
                "-cp", System.getProperty("java.class.path"), WithoutFlightRecorder.class.getName());
        Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, p.waitFor(), said);
        assertTrue(said.contains("20 tokens without jdk.jfr"), said);
    }

    /** The program of that JVM. */
    static final class WithoutFlightRecorder {
        private WithoutFlightRecorder() {
        }

        public static void main(String[] args) {
            if (ModuleLayer.boot().findModule("jdk.jfr").isPresent()) {
                throw new IllegalStateException("the JVM has jdk.jfr");
            }
            var heard = new Recorder();
            try (LLM llm = TinyLlm.open(TinyLlm.options(4, 64, 16, 512), r -> r, heard)) {
                int tokens = llm.generate("hello", LONG.toBuilder().maxTokens(20).build()).tokenIds().length;
                if (heard.steps.isEmpty() || llm.metrics().generatedTokens() != 20) {
                    throw new IllegalStateException("listeners or metrics are missing");
                }
                System.out.println(tokens + " tokens without jdk.jfr");
            }
        }
    }
}
