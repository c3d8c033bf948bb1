package io.jllm.adapter;

import com.google.gson.Gson;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.SamplingParamsBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Tiny models and adapters with the logits that peft computes: {@code io/jllm/adapters/README.md} among the test resources tells how they were
 * made.
 *
 * @param prompts texts
 * @param bases models by name
 * @param adapters adapters by name, each with its base
 */
record AdapterGoldens(int[][] prompts, List<Golden> bases, List<Golden> adapters) {
    private static final String ROOT = "/io/jllm/adapters/";

    /**
     * What is computed.
     *
     * @param logits the last position's of each prompt
     * @param base of an adapter
     */
    record Golden(String name, float[][] logits, Optional<String> base) {
    }

    /** As Gson reads it. */
    private record Raw(int[][] prompts, List<RawGolden> bases, List<RawGolden> adapters) {
    }

    private record RawGolden(String name, float[][] logits, String base) {
        Golden golden() {
            return new Golden(name, logits, Optional.ofNullable(base));
        }
    }

    static AdapterGoldens read() {
        try (Reader in = new InputStreamReader(resource("golden.json"), StandardCharsets.UTF_8)) {
            Raw raw = new Gson().fromJson(in, Raw.class);
            return new AdapterGoldens(raw.prompts, raw.bases.stream().map(RawGolden::golden).toList(),
                    raw.adapters.stream().map(RawGolden::golden).toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static InputStream resource(String name) {
        return AdapterGoldens.class.getResourceAsStream(ROOT + name);
    }

    Golden base(String name) {
        return bases.stream().filter(b -> b.name().equals(name)).findFirst().orElseThrow();
    }

    Golden adapter(String name) {
        return adapters.stream().filter(a -> a.name().equals(name)).findFirst().orElseThrow();
    }

    List<Golden> of(String base) {
        return adapters.stream().filter(a -> a.base().orElseThrow().equals(base)).toList();
    }

    /** A model's folder. */
    static Path model(String name, Path into) throws IOException {
        return unpacked("bases/" + name, into.resolve("base-" + name), List.of("config.json", "model.safetensors"));
    }

    /** An adapter's folder. */
    static Path folder(String name, Path into) throws IOException {
        return unpacked(name, into.resolve(name), List.of("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"));
    }

    /** An adapter's GGUF file. */
    static Path file(String name, Path into) throws IOException {
        return unpacked("gguf", into.resolve("gguf"), List.of(name + ".gguf")).resolve(name + ".gguf");
    }

    private static Path unpacked(String from, Path to, List<String> files) throws IOException {
        Files.createDirectories(to);
        for (String f : files) {
            try (InputStream in = resource(from + "/" + f)) {
                if (in != null && Files.notExists(to.resolve(f))) {
                    Files.write(to.resolve(f), in.readAllBytes());
                }
            }
        }
        return to;
    }

    /** Settings for a greedy text of a few tokens with log-probabilities. */
    static SamplingParamsBuilder greedy(int tokens) {
        return SamplingParams.builder().temperature(0).maxTokens(tokens).ignoreEos(true).logprobs(5);
    }

    /** The logits after a prompt, with an adapter or without. */
    static float[] logits(LLM llm, int[] prompt, Optional<String> adapter) {
        var first = new AtomicReference<float[]>();
        LogitsProcessor keep = (_, _, _, logits) -> first.compareAndSet(null, logits.clone());
        var params = SamplingParams.builder().temperature(0).maxTokens(1).ignoreEos(true).logitsProcessor(() -> keep);
        adapter.ifPresent(params::adapter);
        RequestOutput out = llm.generate(List.of(new Request(Prompt.ofTokens(prompt), params.build()))).getFirst();
        out.error().ifPresent(e -> {
            throw e;
        });
        if (out.finishReason() != FinishReason.LENGTH) {
            throw new AssertionError(out.finishReason());
        }
        return first.get();
    }

    /** The largest difference, by the root mean square of what is wanted. */
    static double difference(float[] want, float[] got) {
        double squares = 0;
        double worst = 0;
        for (int i = 0; i < want.length; i++) {
            squares += (double) want[i] * want[i];
            worst = Math.max(worst, Math.abs((double) want[i] - got[i]));
        }
        return want.length == got.length ? worst / Math.sqrt(squares / want.length) : Double.POSITIVE_INFINITY;
    }
}
