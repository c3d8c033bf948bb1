package io.jllm.examples;

import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.demo.DemoModel;
import io.jllm.micrometer.EngineMeters;
import io.jllm.micrometer.RequestMeters;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

/** Gives an engine's metrics to Micrometer, and so to Prometheus and others. Here the demo model works and its meters are printed. */
public final class Metrics {
    private Metrics() {
    }

    /** Runs it. */
    public static void main(String[] args) {
        var registry = new SimpleMeterRegistry();
        try (LLM llm = LLM.load(DemoModel.path()).listener(new RequestMeters(registry, DemoModel.NAME)).open();
                var meters = new EngineMeters(llm, DemoModel.NAME)) {
            meters.bindTo(registry);
            llm.generate("Once upon a time", SamplingParams.greedy().toBuilder().maxTokens(60).build());
            System.out.println(registry.getMetersAsString());
        }
    }
}
