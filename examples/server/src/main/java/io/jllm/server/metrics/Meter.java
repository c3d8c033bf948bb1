package io.jllm.server.metrics;

import io.jllm.FinishReason;
import io.jllm.RequestOutput;
import java.time.Duration;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Counts requests as they end, of each model apart. Safe for all threads. */
public final class Meter {
    private final Map<String, Counts> models = new ConcurrentHashMap<>();

    /** A request has ended, however. */
    public void ended(String model, RequestOutput output) {
        of(model).add(output);
    }

    Counts of(String model) {
        return models.computeIfAbsent(model, _ -> new Counts());
    }

    /** Those of one model. */
    static final class Counts {
        private final Map<FinishReason, LongAdder> ends = new EnumMap<>(FinishReason.class);
        private final Map<String, Histogram> histograms = new LinkedHashMap<>();
        private final Histogram firstToken = histogram("time_to_first_token_seconds", Histogram.ofSeconds());
        private final Histogram eachToken = histogram("request_time_per_output_token_seconds", Histogram.ofSeconds());
        private final Histogram total = histogram("e2e_request_latency_seconds", Histogram.ofSeconds());
        private final Histogram queued = histogram("request_queue_time_seconds", Histogram.ofSeconds());
        private final Histogram prompts = histogram("request_prompt_tokens", Histogram.ofTokens());
        private final Histogram generated = histogram("request_generation_tokens", Histogram.ofTokens());

        Counts() {
            for (FinishReason reason : FinishReason.values()) {
                ends.put(reason, new LongAdder());
            }
        }

        private Histogram histogram(String name, Histogram empty) {
            histograms.put(name, empty);
            return empty;
        }

        void add(RequestOutput output) {
            RequestOutput.Metrics m = output.metrics();
            output.outputs().forEach(o -> ends.get(o.finishReason()).increment());
            total.add(seconds(m.total()));
            queued.add(seconds(m.queued()));
            prompts.add(m.promptTokens());
            generated.add(m.generatedTokens());
            if (m.generatedTokens() > 0) {
                firstToken.add(seconds(m.timeToFirstToken()));
            }
            int each = m.generatedTokens() / output.outputs().size();
            if (each > 1) {
                eachToken.add(seconds(m.total().minus(m.timeToFirstToken())) / (each - 1));
            }
        }

        private static double seconds(Duration time) {
            return time.toNanos() / 1e9;
        }

        long ended(FinishReason reason) {
            return ends.get(reason).sum();
        }

        Map<String, Histogram> histograms() {
            return histograms;
        }
    }
}
