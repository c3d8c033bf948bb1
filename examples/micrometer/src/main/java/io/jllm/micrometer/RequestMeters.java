package io.jllm.micrometer;

import io.jllm.EngineListener;
import io.jllm.RequestOutput;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Objects;
import java.util.stream.DoubleStream;

/**
 * Times and lengths of requests, in histograms with vLLM's bounds, told as requests end: {@code e2e_request_latency}, {@code time_to_first_token},
 * {@code request_queue_time} and {@code request_time_per_output_token} (for Prometheus with {@code _seconds} behind), {@code request_prompt_tokens}
 * and {@code request_generation_tokens}, all with {@code vllm:} before. Give it to {@link io.jllm.LlmBuilder#listener}. It takes well below a
 * microsecond of the engine's thread for each request. Safe for all threads.
 */
public final class RequestMeters implements EngineListener {
    private static final double[] SECONDS = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160,
        640};
    private static final double[] TOKENS = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000};

    private final Timer total;
    private final Timer firstToken;
    private final Timer queued;
    private final Timer eachToken;
    private final DistributionSummary prompts;
    private final DistributionSummary generated;

    /**
     * Registers the meters.
     *
     * @param model the tag by which the engine is told from others
     */
    public RequestMeters(MeterRegistry registry, String model) {
        Tags tags = Tags.of(Names.MODEL, Objects.requireNonNull(model, "model"));
        total = timer(registry, tags, "e2e_request_latency", "From submission to the end.");
        firstToken = timer(registry, tags, "time_to_first_token", "From submission to the first token.");
        queued = timer(registry, tags, "request_queue_time", "From submission to the first step.");
        eachToken = timer(registry, tags, "request_time_per_output_token", "For each token behind the first, on average over the request.");
        prompts = tokens(registry, tags, "request_prompt_tokens", "Tokens of the prompt.");
        generated = tokens(registry, tags, "request_generation_tokens", "Tokens generated, over all outputs.");
    }

    private static Timer timer(MeterRegistry registry, Tags tags, String name, String help) {
        Duration[] bounds = DoubleStream.of(SECONDS).mapToObj(s -> Duration.ofNanos(Math.round(s * 1e9))).toArray(Duration[]::new);
        return Timer.builder(Names.of(name)).description(help).tags(tags).serviceLevelObjectives(bounds).register(registry);
    }

    private static DistributionSummary tokens(MeterRegistry registry, Tags tags, String name, String help) {
        return DistributionSummary.builder(Names.of(name)).description(help).tags(tags).serviceLevelObjectives(TOKENS).register(registry);
    }

    @Override
    public void finished(RequestOutput output) {
        RequestOutput.Metrics m = output.metrics();
        total.record(m.total());
        queued.record(m.queued());
        prompts.record(m.promptTokens());
        generated.record(m.generatedTokens());
        if (m.generatedTokens() > 0) {
            firstToken.record(m.timeToFirstToken());
        }
        int each = m.generatedTokens() / output.outputs().size();
        if (each > 1) {
            eachToken.record(m.total().minus(m.timeToFirstToken()).dividedBy(each - 1));
        }
    }
}
