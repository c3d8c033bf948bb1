package io.jllm.springai.starter;

import io.jllm.EngineMetrics;
import io.jllm.LLM;
import io.jllm.MemoryReport;
import io.jllm.Request;
import java.util.List;
import java.util.Objects;
import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;

/** Up while the engine takes requests; down, with the reason, once it failed or was closed. Computes nothing. */
public final class JllmHealthIndicator extends AbstractHealthIndicator {
    private final LLM llm;

    /** Of one LLM. */
    public JllmHealthIndicator(LLM llm) {
        this.llm = Objects.requireNonNull(llm, "llm");
    }

    @Override
    protected void doHealthCheck(Health.Builder health) {
        llm.generate(List.<Request>of()); // throws why it cannot
        EngineMetrics m = llm.metrics();
        MemoryReport memory = llm.memory();
        health.up().withDetail("model", llm.describe()).withDetail("backend", llm.backend()).withDetail("running", m.running())
                .withDetail("waiting", m.waiting()).withDetail("kvUse", m.kvUse()).withDetail("weightBytes", memory.weights())
                .withDetail("kvBytes", memory.kv());
    }
}
