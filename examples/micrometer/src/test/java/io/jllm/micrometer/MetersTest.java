package io.jllm.micrometer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.demo.DemoModel;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import org.junit.jupiter.api.Test;

/** What Prometheus reads of a model at work. */
class MetersTest {
    private static double value(String page, String line) {
        return page.lines().filter(l -> l.startsWith(line + " ")).mapToDouble(l -> Double.parseDouble(l.substring(line.length() + 1))).findFirst()
                .orElseThrow(() -> new AssertionError(line + " is not in\n" + page));
    }

    @Test
    void prometheusReadsThemByTheNamesOfVllm() {
        var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        try (LLM llm = LLM.load(DemoModel.path()).listener(new RequestMeters(registry, "demo")).open(); var meters = new EngineMeters(llm, "demo")) {
            meters.bindTo(registry);
            var params = SamplingParams.greedy().toBuilder().maxTokens(20).build();
            llm.generate("Once upon a time", params);
            llm.generate("Once upon a time there was a king who had three sons", params);
            String page = registry.scrape();
            String model = "{model=\"demo\"}";
            assertEquals(0, value(page, "vllm:num_requests_running" + model));
            assertEquals(0, value(page, "vllm:num_requests_waiting" + model));
            assertEquals(0, value(page, "vllm:kv_cache_usage_perc" + model));
            assertEquals(40, value(page, "vllm:generation_tokens_total" + model));
            assertEquals(2, value(page, "vllm:request_success_total{finished_reason=\"length\",model=\"demo\"}"));
            assertEquals(0, value(page, "vllm:request_success_total{finished_reason=\"error\",model=\"demo\"}"));
            assertEquals(value(page, "vllm:request_prompt_tokens_sum" + model), value(page, "vllm:prefix_cache_queries_total" + model));
            assertEquals(2, value(page, "vllm:e2e_request_latency_seconds_count" + model));
            assertEquals(2, value(page, "vllm:time_to_first_token_seconds_count" + model));
            assertEquals(2, value(page, "vllm:time_to_first_token_seconds_bucket{model=\"demo\",le=\"640.0\"}"));
            assertEquals(2, value(page, "vllm:request_time_per_output_token_seconds_count" + model));
            assertTrue(value(page, "vllm:time_to_first_token_seconds_sum" + model) <= value(page, "vllm:e2e_request_latency_seconds_sum" + model));
            assertEquals(2, value(page, "vllm:request_generation_tokens_bucket{model=\"demo\",le=\"20.0\"}"));
            assertEquals(0, value(page, "vllm:request_generation_tokens_bucket{model=\"demo\",le=\"10.0\"}"));
        }
        assertTrue(registry.scrape().lines().noneMatch(l -> l.startsWith("vllm:num_requests_running")), "meters of a closed engine");
    }
}
