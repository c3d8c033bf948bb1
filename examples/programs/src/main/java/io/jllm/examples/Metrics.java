package io.jllm.examples;

import io.jllm.EngineMetrics;
import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.demo.DemoModel;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.function.ToDoubleFunction;

/** Gives an engine's metrics to Micrometer, and so to Prometheus and others. Here the demo model works and its meters are printed. */
public record Metrics(LLM llm) implements MeterBinder {
    @Override
    public void bindTo(MeterRegistry registry) {
        Gauge.builder("jllm.kv.use", llm, l -> l.metrics().kvUse()).baseUnit("ratio").register(registry);
        Gauge.builder("jllm.sequences.running", llm, l -> l.metrics().running()).register(registry);
        Gauge.builder("jllm.sequences.waiting", llm, l -> l.metrics().waiting()).register(registry);
        count(registry, "jllm.tokens.generated", EngineMetrics::generatedTokens);
        count(registry, "jllm.tokens.cached", EngineMetrics::cachedTokens);
        count(registry, "jllm.requests.finished", EngineMetrics::finished);
        count(registry, "jllm.preemptions", EngineMetrics::preemptions);
    }

    private void count(MeterRegistry registry, String name, ToDoubleFunction<EngineMetrics> value) {
        FunctionCounter.builder(name, llm, l -> value.applyAsDouble(l.metrics())).register(registry);
    }

    /** Runs it. */
    public static void main(String[] args) {
        var registry = new SimpleMeterRegistry();
        try (LLM llm = LLM.load(DemoModel.path()).open()) {
            new Metrics(llm).bindTo(registry);
            llm.generate("Once upon a time", SamplingParams.greedy().toBuilder().maxTokens(60).build());
            System.out.println(registry.getMetersAsString());
        }
    }
}
