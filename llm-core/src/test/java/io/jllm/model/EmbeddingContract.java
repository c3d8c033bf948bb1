package io.jllm.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.Gson;
import com.google.gson.annotations.SerializedName;
import io.jllm.embedding.EmbeddingOutput;
import io.jllm.embedding.EmbeddingParams;
import io.jllm.LLM;
import io.jllm.LlmBuilder;
import io.jllm.embedding.Pooling;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.SamplingParams;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Vectors of texts on a backend: transformers' ({@code embeddings.json}: the last hidden state of a text, pooled in three ways, computed in
 * float32), and the same ones whatever else is in the step.
 */
public abstract class EmbeddingContract {
    private static final double NEAR = 1e-4;
    private static final int BLOCKS = 40;

    /** Chooses the backend that is tested. */
    protected abstract LlmBuilder on(LlmBuilder builder);

    /** How far vectors of length 1 may be apart when other texts are computed with them. */
    protected double apart() {
        return 0;
    }

    private record Golden(String model, int[] ids, @SerializedName("LAST") double[] last, @SerializedName("MEAN") double[] mean,
                          @SerializedName("CLS") double[] cls, @SerializedName("MEAN_RAW") double[] raw) {
        double[] of(Pooling pooling) {
            return switch (pooling) {
                case LAST -> last;
                case MEAN -> mean;
                case CLS -> cls;
            };
        }
    }

    private static List<Golden> goldens() throws IOException {
        try (var in = new InputStreamReader(EmbeddingContract.class.getResourceAsStream("embeddings.json"), StandardCharsets.UTF_8)) {
            return List.of(new Gson().fromJson(in, Golden[].class));
        }
    }

    private LLM open(String model, UnaryOperator<LlmBuilder> settings) {
        Path folder = Path.of(System.getProperty("jllm.shared", ""), "oracles/families", model);
        assumeTrue(Files.isDirectory(folder), "skipped: -Djllm.shared names no folder with oracles/families/" + model);
        return settings.apply(on(LLM.load(folder))).open();
    }

    private static EmbeddingParams params(Pooling pooling) {
        return EmbeddingParams.defaults().withPooling(pooling);
    }

    /** A test for each model that has golden vectors. */
    @TestFactory
    final Stream<DynamicTest> asTransformers() throws IOException {
        List<Golden> all = goldens();
        return all.stream().map(Golden::model).distinct().map(model -> DynamicTest.dynamicTest(model, () -> {
            List<Golden> own = all.stream().filter(g -> g.model().equals(model)).toList();
            List<Prompt> prompts = own.stream().map(g -> Prompt.ofTokens(g.ids())).toList();
            try (LLM llm = open(model, b -> b)) {
                for (Pooling pooling : Pooling.values()) {
                    List<EmbeddingOutput> outputs = llm.embed(prompts, params(pooling));
                    for (int i = 0; i < own.size(); i++) {
                        near(own.get(i).of(pooling), outputs.get(i).vector(), NEAR, model + " " + pooling + " of " + own.get(i).ids().length);
                        assertArrayEquals(own.get(i).ids(), outputs.get(i).promptTokenIds());
                    }
                }
                EmbeddingParams raw = params(Pooling.MEAN).withNormalize(false);
                for (int i = 0; i < own.size(); i++) {
                    double size = Math.sqrt(Arrays.stream(own.get(i).raw()).map(x -> x * x).sum());
                    near(own.get(i).raw(), llm.embed(prompts, raw).get(i).vector(), NEAR * size, model + " as it is");
                }
            }
        }));
    }

    private static void near(double[] want, float[] got, double by, String what) {
        assertEquals(want.length, got.length, what);
        for (int i = 0; i < want.length; i++) {
            assertEquals(want[i], got[i], by, what + ", number " + i);
        }
    }

    /** In chunks, in a small cache, from the prefix cache, and beside requests that generate. */
    @Test
    void whateverElseIsComputed() {
        var random = new Random(3);
        var prompts = new ArrayList<Prompt>();
        for (int length : new int[] {1, 30, 90, 5, 64, 17, 33, 90}) {
            prompts.add(Prompt.ofTokens(random.ints(length, 3, 300).toArray()));
        }
        prompts.add(prompts.get(2));
        for (Pooling pooling : Pooling.values()) {
            List<float[]> alone = new ArrayList<>();
            try (LLM llm = open("olmo2", b -> b.prefixCache(false))) {
                prompts.forEach(p -> alone.add(llm.embed(List.of(p), params(pooling)).getFirst().vector()));
            }
            same(alone, b -> b.maxTokensPerStep(7).maxSequences(4).blockSize(4), prompts, pooling);
            same(alone, b -> b.maxTokensPerStep(256).maxSequences(16).blockSize(8), prompts, pooling);
            same(alone, b -> b.maxTokensPerStep(64).maxSequences(8).blockSize(16), prompts, pooling);
        }
    }

    /** In a cache of some hundred positions, where requests are put back. */
    private void same(List<float[]> alone, UnaryOperator<LlmBuilder> settings, List<Prompt> prompts, Pooling pooling) {
        long bytes;
        try (LLM llm = open("olmo2", settings)) {
            bytes = llm.memory().kvLimit() / llm.metrics().kvBlocks() * BLOCKS;
        }
        try (LLM llm = open("olmo2", b -> settings.apply(b).kvCache(bytes))) {
            var sampling = SamplingParams.builder().temperature(0).maxTokens(30).ignoreEos(true).build();
            List<Request> requests = prompts.stream().map(p -> new Request(p, sampling)).toList();
            List<int[]> said = llm.generate(requests).stream().map(o -> o.tokenIds()).toList();
            for (int round = 0; round < 2; round++) {
                var beside = llm.generateAsync(requests);
                List<EmbeddingOutput> outputs = llm.embed(prompts, params(pooling));
                for (int i = 0; i < prompts.size(); i++) {
                    float[] want = alone.get(i);
                    float[] got = outputs.get(i).vector();
                    for (int k = 0; k < want.length; k++) {
                        assertEquals(want[k], got[k], apart(), pooling + ", text " + i + ", round " + round);
                    }
                }
                for (int i = 0; i < said.size() && apart() == 0; i++) {
                    assertArrayEquals(said.get(i), beside.join().get(i).tokenIds(), "generated beside vectors");
                }
                beside.join();
            }
            assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks(), "leaked blocks");
        }
    }

    @Test
    void whatCannotBe() {
        try (LLM llm = open("gpt2", b -> b)) {
            int width = llm.config().hidden();
            String message = assertThrows(IllegalArgumentException.class,
                    () -> llm.embed(List.of(Prompt.ofTokens(3)), EmbeddingParams.defaults().withDimensions(width + 1))).getMessage();
            assertTrue(message.contains(String.valueOf(width)), message);
            assertThrows(IllegalArgumentException.class, () -> new EmbeddingParams(Optional.empty(), true, OptionalInt.of(0)));
            List<EmbeddingOutput> outputs = llm.embed(List.of(Prompt.ofTokens(new int[llm.maxContext() + 1]), Prompt.ofTokens(3, 4)),
                    EmbeddingParams.defaults().withDimensions(5));
            assertTrue(outputs.getFirst().error().orElseThrow().getMessage().contains(String.valueOf(llm.maxContext())));
            assertThrows(IllegalArgumentException.class, outputs.getFirst()::vector);
            float[] vector = outputs.getLast().vector();
            assertEquals(5, vector.length);
            double squares = 0;
            for (float x : vector) {
                squares += x * x;
            }
            assertEquals(1, squares, 1e-6, "the first numbers have the length 1 again");
            assertArrayEquals(vector, llm.embedAsync(List.of(Prompt.ofTokens(3, 4)), EmbeddingParams.defaults().withDimensions(5)).join().getFirst()
                    .vector(), (float) apart());
        }
    }
}
