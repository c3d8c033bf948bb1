package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.SamplingParamsBuilder;
import io.jllm.convert.Converter;
import io.jllm.convert.FileType;
import io.jllm.cpu.tier.Tiers;
import io.jllm.quant.DType;
import io.jllm.spi.ActivationType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A file as people have them, with matrices in Q4_1 and an embedding table in Q8_0 that is the output matrix too, against what Hugging Face
 * transformers computed in float32 with its values; and files that the converter makes of it.
 */
class SmolLm2Test {
    /** With activations of 32 bits, in logits and log-probabilities; a token may differ where the best two are so close. */
    private static final double EXACT = 1e-3;
    /**
     * With activations of 8 bits, for tokens: these put log-probabilities off by 0.10 to 0.13, root mean square, in each of the formats; and the
     * share by which the mean log-probability may differ.
     */
    private static final double CLOSE = 0.25;
    private static final double SHARE = 0.02;
    /** The same two for mixes, beside F16. */
    private static final double CLOSE_OF_MIXES = 1;
    private static final double SHARE_OF_MIXES = 0.05;

    /** Of all tests: each format is written once. */
    @TempDir
    private static Path dir;

    private static Path file(String name) {
        String root = System.getProperty("jllm.shared", "");
        Path file = Path.of(root, "models/SmolLM2-135M-Instruct", name);
        Assumptions.assumeTrue(!root.isEmpty() && Files.exists(file), "skipped: needs models/SmolLM2-135M-Instruct under -Djllm.shared=FOLDER");
        return file;
    }

    private static List<JsonObject> entries(DType type) throws IOException {
        JsonObject all = JsonParser.parseString(Files.readString(file("smollm2.json"))).getAsJsonObject();
        return all.getAsJsonObject("weights").getAsJsonObject(type.name()).getAsJsonArray("entries").asList().stream()
                .map(JsonElement::getAsJsonObject).toList();
    }

    private static Path model(DType type) throws IOException {
        Path real = file("SmolLM2-135M-Instruct.Q4_1.gguf");
        if (type == DType.Q4_1) {
            return real;
        }
        Path out = dir.resolve(type + ".gguf");
        if (!Files.exists(out)) {
            Converter.convert(real, out, Converter.Options.of(type), Converter.Progress.NONE);
        }
        return out;
    }

    private static int[] ints(JsonObject entry, String key) {
        return StreamSupport.stream(entry.getAsJsonArray(key).spliterator(), false).mapToInt(JsonElement::getAsInt).toArray();
    }

    private static SamplingParamsBuilder greedy(int tokens) {
        return SamplingParams.builder().temperature(0).maxTokens(tokens).ignoreEos(true);
    }

    /** Scalar kernels meet every format with floats. */
    @Test
    void logitsOfTheFile() throws IOException {
        try (LLM llm = LLM.load(model(DType.Q4_1)).backend("cpu").kernels("scalar").open()) {
            for (JsonObject e : entries(DType.Q4_1)) {
                if (List.of("text-short", "code-python", "chat-system").contains(e.get("name").getAsString())) {
                    var row = new AtomicReference<float[]>();
                    LogitsProcessor capture = (tokens, prompt, length, logits) -> row.set(logits.clone());
                    RequestOutput out = llm.generate(List.of(Prompt.ofTokens(ints(e, "prompt_ids"))),
                            greedy(1).promptLogprobs(0).logitsProcessor(() -> capture).build()).getFirst();
                    for (JsonElement top : e.getAsJsonArray("top10")) {
                        JsonArray idAndLogit = top.getAsJsonArray();
                        assertEquals(idAndLogit.get(1).getAsDouble(), row.get()[idAndLogit.get(0).getAsInt()], EXACT, e.get("name") + ": logits");
                    }
                    checkPrompt(e, out);
                    checkGreedy(e, out, EXACT);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"Q4_1", "F16", "Q8_0", "Q4_0"})
    void promptsAndContinuations(DType type) throws IOException {
        List<JsonObject> entries = entries(type);
        assertEquals(12, entries.size());
        try (LLM llm = LLM.load(model(type)).backend("cpu").open()) {
            for (JsonObject e : entries) {
                assertArrayEquals(ints(e, "prompt_ids"), llm.tokenizer().encode(e.get("prompt").getAsString()), e.get("name") + ": prompt ids");
            }
            List<Prompt> prompts = entries.stream().<Prompt>map(e -> Prompt.ofTokens(ints(e, "prompt_ids"))).toList();
            List<RequestOutput> outputs = llm.generate(prompts, greedy(48).promptLogprobs(0).build());
            double want = 0;
            double have = 0;
            for (int i = 0; i < entries.size(); i++) {
                JsonObject e = entries.get(i);
                if (type == DType.F16) {
                    checkPrompt(e, outputs.get(i));
                }
                checkGreedy(e, outputs.get(i), type == DType.F16 ? EXACT : CLOSE);
                JsonArray logprobs = e.getAsJsonArray("prompt_logprobs");
                for (int j = 1; j < logprobs.size(); j++) {
                    want += logprobs.get(j).getAsDouble();
                    have += outputs.get(i).promptLogprobs().get(j).logprob();
                }
            }
            assertEquals(1, have / want, SHARE);
        }
    }

    /**
     * Mixes of formats, which have no values of their own to be met: they say of prompts nearly what F16 says, and answers begin as its do.
     */
    @ParameterizedTest
    @ValueSource(strings = {"Q6_K", "Q5_K_M", "Q4_K_M"})
    void mixes(String type) throws IOException {
        List<JsonObject> entries = entries(DType.F16);
        Path out = dir.resolve(type + ".gguf");
        FileType mix = FileType.all().stream().filter(t -> t.toString().equals(type)).findFirst().orElseThrow();
        Converter.convert(file("SmolLM2-135M-Instruct.Q4_1.gguf"), out, Converter.Options.of(mix), Converter.Progress.NONE);
        try (LLM llm = LLM.load(out).backend("cpu").open()) {
            List<Prompt> prompts = entries.stream().<Prompt>map(e -> Prompt.ofTokens(ints(e, "prompt_ids"))).toList();
            List<RequestOutput> outputs = llm.generate(prompts, greedy(1).promptLogprobs(0).build());
            double want = 0;
            double have = 0;
            for (int i = 0; i < entries.size(); i++) {
                JsonObject e = entries.get(i);
                JsonArray logprobs = e.getAsJsonArray("prompt_logprobs");
                for (int j = 1; j < logprobs.size(); j++) {
                    want += logprobs.get(j).getAsDouble();
                    have += outputs.get(i).promptLogprobs().get(j).logprob();
                }
                double gap = e.getAsJsonArray("greedy_gaps").get(0).getAsDouble();
                assertTrue(outputs.get(i).tokenIds()[0] == ints(e, "greedy_ids")[0] || gap < CLOSE_OF_MIXES, () -> e.get("name") + ": " + gap);
            }
            assertEquals(1, have / want, SHARE_OF_MIXES);
        }
    }

    /** With activations of 32 bits every tier meets them; one in every format, for the others give the same bits. */
    @ParameterizedTest
    @ValueSource(strings = {"avx512", "avx2", "vector"})
    void floatActivations(String kernels) throws IOException {
        file("smollm2.json");
        Tiers.assumeHere(kernels);
        for (DType type : kernels.equals("avx512") ? List.of(DType.Q8_0, DType.Q4_0, DType.Q4_1) : List.of(DType.Q8_0)) {
            List<JsonObject> entries = entries(type);
            try (LLM llm = LLM.load(model(type)).backend("cpu").kernels(kernels).activations(ActivationType.FLOAT).open()) {
                List<Prompt> prompts = entries.stream().<Prompt>map(e -> Prompt.ofTokens(ints(e, "prompt_ids"))).toList();
                List<RequestOutput> outputs = llm.generate(prompts, greedy(48).promptLogprobs(0).build());
                for (int i = 0; i < entries.size(); i++) {
                    checkPrompt(entries.get(i), outputs.get(i));
                    checkGreedy(entries.get(i), outputs.get(i), EXACT);
                    if (type == DType.Q8_0 && entries.get(i).get("name").getAsString().equals("chat-plain")) {
                        assertTrue(outputs.get(i).text().startsWith("The capital of France is Paris."), outputs.get(i).text());
                    }
                }
            }
        }
    }

    private static void checkPrompt(JsonObject entry, RequestOutput out) {
        JsonArray want = entry.getAsJsonArray("prompt_logprobs");
        assertEquals(want.size(), out.promptLogprobs().size());
        for (int i = 1; i < want.size(); i++) {
            assertEquals(want.get(i).getAsDouble(), out.promptLogprobs().get(i).logprob(), EXACT, entry.get("name") + ": token " + i);
        }
    }

    /** The tokens are equal, or differ first where the best two are close. */
    private static void checkGreedy(JsonObject entry, RequestOutput out, double close) {
        int[] got = out.tokenIds();
        int at = Arrays.mismatch(got, Arrays.copyOf(ints(entry, "greedy_ids"), got.length));
        assertTrue(at < 0 || entry.getAsJsonArray("greedy_gaps").get(at).getAsDouble() < close,
                () -> entry.get("name") + ": token " + at + " differs at a gap of " + entry.getAsJsonArray("greedy_gaps").get(at));
    }
}
