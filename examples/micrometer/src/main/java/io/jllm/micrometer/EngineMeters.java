package io.jllm.micrometer;

import io.jllm.EngineMetrics;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.ToDoubleFunction;

/**
 * What an engine has in hand and has done so far ({@link LLM#metrics}), read when somebody asks: {@code num_requests_running}, {@code _waiting} and
 * {@code _swapped} (they rest because their reader is behind), {@code kv_cache_usage_perc} (0 to 1), {@code num_preemptions}, {@code prompt_tokens},
 * {@code generation_tokens}, {@code prefix_cache_queries} and {@code _hits} (tokens) and {@code request_success} (by {@code finished_reason}), all
 * with {@code vllm:} before and, for Prometheus, {@code _total} behind what is counted. Safe for all threads.
 *
 * <p>A registry does not keep the LLM from being collected; {@link #close} takes the meters out of it.
 */
public final class EngineMeters implements MeterBinder, AutoCloseable {
    private final LLM llm;
    private final Tags tags;
    private final ConcurrentLinkedQueue<Map.Entry<MeterRegistry, Meter>> bound = new ConcurrentLinkedQueue<>();

    /**
     * Of one engine.
     *
     * @param model the tag by which it is told from others
     */
    public EngineMeters(LLM llm, String model) {
        this.llm = Objects.requireNonNull(llm, "llm");
        tags = Tags.of(Names.MODEL, Objects.requireNonNull(model, "model"));
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        gauge(registry, "num_requests_running", "Sequences in the batch.", m -> m.running() - m.paused());
        gauge(registry, "num_requests_waiting", "Sequences that wait for room.", EngineMetrics::waiting);
        gauge(registry, "num_requests_swapped", "Sequences that rest because their reader is behind.", EngineMetrics::paused);
        gauge(registry, "kv_cache_usage_perc", "Part of the KV blocks that sequences hold, 0 to 1.", EngineMetrics::kvUse);
        count(registry, "num_preemptions", "Sequences put back to make room.", tags, EngineMetrics::preemptions);
        count(registry, "prompt_tokens", "Tokens of prompts put through the model.", tags, EngineMetrics::prefillTokens);
        count(registry, "generation_tokens", "Tokens generated.", tags, EngineMetrics::generatedTokens);
        count(registry, "prefix_cache_queries", "Tokens of prompts looked up in the prefix cache.", tags, m -> m.prefillTokens() + m.cachedTokens());
        count(registry, "prefix_cache_hits", "Tokens of prompts found in the prefix cache.", tags, EngineMetrics::cachedTokens);
        for (FinishReason reason : FinishReason.values()) {
            if (reason != FinishReason.TOOL_CALLS) { // an engine does not know it
                count(registry, "request_success", "Requests that have ended, by reason.", tags.and(Names.FINISHED_REASON, Names.reason(reason)),
                        m -> m.finishedBy().get(reason));
            }
        }
    }

    private void gauge(MeterRegistry registry, String name, String help, ToDoubleFunction<EngineMetrics> value) {
        bound.add(Map.entry(registry, Gauge.builder(Names.of(name), llm, l -> value.applyAsDouble(l.metrics())).description(help).tags(tags)
                .register(registry)));
    }

    private void count(MeterRegistry registry, String name, String help, Tags of, ToDoubleFunction<EngineMetrics> value) {
        bound.add(Map.entry(registry, FunctionCounter.builder(Names.of(name), llm, l -> value.applyAsDouble(l.metrics())).description(help).tags(of)
                .register(registry)));
    }

    /** Takes the meters out of the registries that they were bound to. */
    @Override
    public void close() {
        for (var b = bound.poll(); b != null; b = bound.poll()) {
            b.getKey().remove(b.getValue());
        }
    }
}
