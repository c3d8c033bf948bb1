package io.jllm.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.BeamSearchParams;
import io.jllm.CompletionOutput;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.SamplingParamsBuilder;
import io.jllm.convert.Converter;
import io.jllm.demo.DemoModel;
import io.jllm.quant.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real models on the device and on the processor, side by side. */
class CudaModelsTest {
    private static final System.Logger LOG = System.getLogger(CudaModelsTest.class.getName());
    /**
     * How far apart a log-probability may be on the two, and so at which margin either of two tokens may be said. Where weights are plain floats
     * only the order of sums differs. Where activations are rounded to 8 bits, both sides carry noise of their own, as far from each other as each
     * is from float activations.
     */
    private static final double EXACT = 1e-2;
    private static final double ROUNDED = 0.15;
    private static final List<Prompt> PROMPTS = List.of(Prompt.of("Once upon a time there was"), Prompt.of("The old king had three sons, and"),
            Prompt.of("\"Dear me!\" said the fox"), Prompt.of("In"), Prompt.of("One day, little Lily went to the park with her mother. She saw a"));

    @BeforeEach
    void aDeviceIsThere() {
        OnDevice.assume();
    }

    private static Path tinyStories() {
        return OnDevice.shared("models/TinyStories-656K/TinyStories-656K-F32.gguf");
    }

    /** The processor has floats for keys and values, or bytes where the device has them. */
    private static void both(Path model, DType kvType, BiConsumer<LLM, LLM> test) {
        DType plain = kvType == DType.Q8_0 ? kvType : DType.F32;
        try (LLM cuda = LLM.load(model).backend("cuda").kvType(kvType).open(); LLM cpu = LLM.load(model).backend("cpu").kvType(plain).open()) {
            test.accept(cuda, cpu);
        }
    }

    @Test
    void greedyOnTheDemoModel() {
        for (DType kv : List.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0)) {
            both(DemoModel.path(), kv, (cuda, cpu) -> greedy(cuda, cpu, SamplingParams.builder().temperature(0).maxTokens(100), ROUNDED));
        }
    }

    @Test
    void greedyOnTinyStories() {
        for (DType kv : List.of(DType.F32, DType.F16)) {
            both(tinyStories(), kv, (cuda, cpu) -> greedy(cuda, cpu, SamplingParams.builder().temperature(0).maxTokens(150), EXACT));
        }
    }

    @Test
    void penaltiesBiasAndStops() {
        both(tinyStories(), DType.F16, (cuda, cpu) -> {
            greedy(cuda, cpu, SamplingParams.builder().temperature(0).maxTokens(60).repetitionPenalty(1.3f), EXACT);
            greedy(cuda, cpu, SamplingParams.builder().temperature(0).maxTokens(60).frequencyPenalty(0.7f).presencePenalty(0.4f), EXACT);
        });
    }

    /** All prompts at once, and each alone: the same ids, but for near ties. */
    private static void greedy(LLM cuda, LLM cpu, SamplingParamsBuilder settings, double margin) {
        SamplingParams params = settings.logprobs(2).build();
        List<RequestOutput> want = cpu.generate(PROMPTS, params);
        List<RequestOutput> got = cuda.generate(PROMPTS, params);
        for (int i = 0; i < want.size(); i++) {
            same(want.get(i), got.get(i), margin);
            same(want.get(i), cuda.generate(List.of(PROMPTS.get(i)), params).getFirst(), margin);
        }
    }

    private static void same(RequestOutput want, RequestOutput got, double margin) {
        assertTrue(got.error().isEmpty(), () -> got.error().toString());
        int[] a = want.tokenIds();
        int[] b = got.tokenIds();
        int at = Arrays.mismatch(a, b);
        if (at >= 0) {
            float[] top = want.outputs().getFirst().logprobs().get(Math.min(at, a.length - 1)).topLogprobs();
            assertTrue(top[0] - top[1] < margin, () -> "token " + at + " is another, at a margin of " + (top[0] - top[1]) + ": " + want.text() + " / "
                    + got.text());
        }
        for (int i = 0; i < (at < 0 ? a.length : at); i++) {
            assertEquals(want.outputs().getFirst().logprobs().get(i).logprob(), got.outputs().getFirst().logprobs().get(i).logprob(), margin);
        }
    }

    @Test
    void beamsOnTinyStories() {
        both(tinyStories(), DType.F16, (cuda, cpu) -> beams(cuda, cpu, EXACT));
    }

    /** With weights as plain floats, so that nothing but the order of sums differs: noise of activations in 8 bits soon leads a search elsewhere. */
    @Test
    void beamsOnTheDemoModel(@TempDir Path folder) throws IOException {
        both(asFloats(folder), DType.F16, (cuda, cpu) -> beams(cuda, cpu, EXACT));
    }

    private static Path asFloats(Path folder) throws IOException {
        Path file = folder.resolve("demo-f16.gguf");
        Converter.convert(DemoModel.path(), file, Converter.Options.of(DType.F16), Converter.Progress.NONE);
        return file;
    }

    /** Equal beams, but where two are as likely as each other. */
    private static void beams(LLM cuda, LLM cpu, double tolerance) {
        var params = BeamSearchParams.builder(4).n(4).maxTokens(40).build();
        List<RequestOutput> want = cpu.beamSearch(PROMPTS, params);
        List<RequestOutput> got = cuda.beamSearch(PROMPTS, params);
        for (int i = 0; i < want.size(); i++) {
            CompletionOutput a = want.get(i).outputs().getFirst();
            CompletionOutput b = got.get(i).outputs().getFirst();
            assertEquals(a.score().orElseThrow(), b.score().orElseThrow(), tolerance);
            double margin = a.score().orElseThrow() - want.get(i).outputs().get(1).score().orElseThrow();
            LOG.log(System.Logger.Level.INFO, "beams of prompt " + i + ": " + (Arrays.equals(a.tokenIds(), b.tokenIds()) ? "equal" : "other")
                    + ", margin " + margin
                    + ", scores " + a.score().orElseThrow() + " and " + b.score().orElseThrow());
            assertTrue(margin < tolerance || Arrays.equals(a.tokenIds(), b.tokenIds()), () -> a.text() + " / " + b.text());
        }
    }

    @Test
    void severalSeededOutputs(@TempDir Path folder) throws IOException {
        // a number that falls where two tokens meet may go to either
        both(tinyStories(), DType.F32, (cuda, cpu) -> assertTrue(seeded(cuda, cpu) >= 19));
        both(asFloats(folder), DType.F32, (cuda, cpu) -> assertTrue(seeded(cuda, cpu) >= 19));
    }

    /** How many of 20 texts are the same. */
    private static int seeded(LLM cuda, LLM cpu) {
        var params = SamplingParams.builder().temperature(0.9).topK(50).topP(0.95).minP(0.02).seed(7).n(4).maxTokens(40).build();
        List<RequestOutput> want = cpu.generate(PROMPTS, params);
        List<RequestOutput> got = cuda.generate(PROMPTS, params);
        int same = 0;
        for (int i = 0; i < want.size(); i++) {
            for (int j = 0; j < 4; j++) {
                same += Arrays.equals(want.get(i).outputs().get(j).tokenIds(), got.get(i).outputs().get(j).tokenIds()) ? 1 : 0;
            }
        }
        LOG.log(System.Logger.Level.INFO, same + " of 20 seeded texts are the same");
        return same;
    }

    @Test
    void perplexity() throws Exception {
        String text = Files.readString(OnDevice.shared("text/heldout-fairytales.txt"));
        both(DemoModel.path(), DType.F16, (cuda, cpu) -> {
            int[] ids = Arrays.copyOf(cpu.tokenizer().encode(text), 8 * 512);
            assertEquals(1, perplexity(cuda, ids) / perplexity(cpu, ids), 3e-3);
        });
    }

    private static double perplexity(LLM llm, int[] ids) {
        double sum = 0;
        int n = 0;
        var params = SamplingParams.builder().maxTokens(0).promptLogprobs(0).build();
        for (int from = 0; from < ids.length; from += 512) {
            RequestOutput out = llm.generate(List.of(Prompt.ofTokens(Arrays.copyOfRange(ids, from, from + 512))), params).getFirst();
            for (var p : out.promptLogprobs().subList(1, 512)) {
                sum -= p.logprob();
                n++;
            }
        }
        return Math.exp(sum / n);
    }
}
