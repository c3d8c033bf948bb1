package io.jllm.server.metrics;

import io.jllm.EngineMetrics;
import io.jllm.FinishReason;
import io.jllm.LLM;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/** Metrics in Prometheus's text format, by the names of vLLM, with a label for the model. */
public final class Exposition {
    /** The type of the body that {@link #text} makes. */
    public static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private static final String PREFIX = "vllm:";

    private final Map<String, LLM> models;
    private final Meter meter;
    private final StringBuilder out = new StringBuilder();

    private Exposition(Map<String, LLM> models, Meter meter) {
        this.models = models;
        this.meter = meter;
    }

    /**
     * The text.
     *
     * @param models those that are loaded, by name
     */
    public static String text(Map<String, LLM> models, Meter meter) {
        return new Exposition(models, meter).write();
    }

    private String write() {
        engine("num_requests_running", "gauge", "Sequences in the batch.", m -> m.running() - m.paused());
        engine("num_requests_waiting", "gauge", "Sequences that wait for room.", EngineMetrics::waiting);
        engine("num_requests_swapped", "gauge", "Sequences that rest because their reader is behind.", EngineMetrics::paused);
        engine("kv_cache_usage_perc", "gauge", "Part of the KV blocks that sequences hold, 0 to 1.", EngineMetrics::kvUse);
        engine("num_preemptions_total", "counter", "Sequences put back to make room.", EngineMetrics::preemptions);
        engine("prompt_tokens_total", "counter", "Tokens of prompts put through the model.", EngineMetrics::prefillTokens);
        engine("generation_tokens_total", "counter", "Tokens generated.", EngineMetrics::generatedTokens);
        engine("prefix_cache_queries_total", "counter", "Tokens of prompts looked up in the prefix cache.", m -> m.prefillTokens() + m.cachedTokens());
        engine("prefix_cache_hits_total", "counter", "Tokens of prompts found in the prefix cache.", EngineMetrics::cachedTokens);
        head("request_success_total", "counter", "Outputs that have ended, by reason.");
        models.keySet().forEach(model -> Stream.of(FinishReason.STOP, FinishReason.LENGTH, FinishReason.CANCELLED, FinishReason.ERROR)
                .forEach(reason -> line("request_success_total", label(model) + ",finished_reason=\"" + name(reason) + "\"",
                        meter.of(model).ended(reason))));
        models.keySet().stream().findFirst().ifPresent(any -> meter.of(any).histograms().keySet().forEach(this::histograms));
        return out.toString();
    }

    private void engine(String name, String type, String help, ToDoubleFunction<EngineMetrics> value) {
        head(name, type, help);
        models.forEach((model, llm) -> line(name, label(model), value.applyAsDouble(llm.metrics())));
    }

    private void histograms(String name) {
        head(name, "histogram", "Of each request: " + name.replace('_', ' ') + ".");
        models.keySet().forEach(model -> meter.of(model).histograms().get(name).write(out, PREFIX + name, label(model)));
    }

    private void head(String name, String type, String help) {
        out.append("# HELP ").append(PREFIX).append(name).append(' ').append(help).append('\n');
        out.append("# TYPE ").append(PREFIX).append(name).append(' ').append(type).append('\n');
    }

    private void line(String name, String labels, double value) {
        out.append(PREFIX).append(name).append('{').append(labels).append("} ").append(Histogram.number(value)).append('\n');
    }

    private static String label(String model) {
        return "model_name=\"" + model.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\"";
    }

    private static String name(FinishReason reason) {
        return switch (reason) {
            case STOP, TOOL_CALLS -> "stop";
            case LENGTH -> "length";
            case CANCELLED -> "abort";
            case ERROR -> "error";
        };
    }
}
