package io.jllm.adapter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.BeamSearchParams;
import io.jllm.LLM;
import io.jllm.LlmBuilder;
import io.jllm.ModelLoadException;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestHandle;
import io.jllm.RequestOutput;
import io.jllm.convert.Converter;
import io.jllm.embedding.EmbeddingParams;
import io.jllm.quant.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What adapters compute on a backend, against peft; and that requests with different ones do not disturb each other. */
public abstract class AdapterContract {
    private static final AdapterGoldens GOLDENS = AdapterGoldens.read();
    private static final double TOLERANCE = 1e-4;
    private static final int[] LONG = IntStream.range(0, 40).map(i -> (i * 7 + 3) % 64).toArray();

    @TempDir
    private Path temp;

    /** Chooses the backend that is tested. */
    protected abstract LlmBuilder on(LlmBuilder load);

    /** How far log-probabilities of a request may be from those that it has alone, where sums depend on what else is in the step. */
    protected double neighbourTolerance() {
        return 0;
    }

    private LlmBuilder load(String base) throws IOException {
        return on(LLM.load(AdapterGoldens.model(base, temp)));
    }

    private LLM open(String base, String... adapters) throws IOException {
        LlmBuilder load = load(base);
        for (String a : adapters) {
            load.adapter(a, AdapterGoldens.folder(a, temp));
        }
        return load.open();
    }

    private static void check(LLM llm, AdapterGoldens.Golden want, Optional<String> adapter) {
        for (int i = 0; i < GOLDENS.prompts().length; i++) {
            double worst = AdapterGoldens.difference(want.logits()[i], AdapterGoldens.logits(llm, GOLDENS.prompts()[i], adapter));
            assertTrue(worst < TOLERANCE, want.name() + ", prompt " + i + ": " + worst);
        }
    }

    @TestFactory
    final Stream<DynamicTest> sameAsPeft() {
        return GOLDENS.adapters().stream().map(a -> DynamicTest.dynamicTest(a.name(), () -> {
            try (LLM llm = open(a.base().orElseThrow(), a.name())) {
                check(llm, a, Optional.of(a.name()));
                check(llm, GOLDENS.base(a.base().orElseThrow()), Optional.empty());
            }
        }));
    }

    @TestFactory
    final Stream<DynamicTest> mergedIsTheSame() {
        return GOLDENS.adapters().stream().filter(a -> !a.name().startsWith("tied") && !a.name().equals("lora-bias")).map(
                a -> DynamicTest.dynamicTest(a.name(), () -> {
                    try (LLM llm = load(a.base().orElseThrow()).mergeAdapter(AdapterGoldens.folder(a.name(), temp)).open()) {
                        check(llm, a, Optional.empty());
                        assertEquals(List.of(), llm.adapters().names());
                    }
                }));
    }

    /** A model's file may have the rows of q and k in another order than its folder, and so may an adapter's. */
    @ParameterizedTest
    @ValueSource(strings = {"qv", "all-linear-half", "embed-head"})
    final void files(String name) throws IOException {
        Path file = temp.resolve("llama.gguf");
        Converter.convert(AdapterGoldens.model("llama", temp), file, Converter.Options.of(DType.F32), Converter.Progress.NONE);
        Path peft = AdapterGoldens.folder(name, temp);
        Path gguf = AdapterGoldens.file(name, temp);
        try (LLM onFile = on(LLM.load(file)).adapter("peft", peft).adapter("gguf", gguf).open();
                LLM onFolder = load("llama").adapter("gguf", gguf).open()) {
            check(onFile, GOLDENS.adapter(name), Optional.of("peft"));
            check(onFile, GOLDENS.adapter(name), Optional.of("gguf"));
            check(onFolder, GOLDENS.adapter(name), Optional.of("gguf"));
        }
    }

    /** Adapters of low rank alone may have kernels of their own. */
    @ParameterizedTest
    @CsvSource({"llama, 64,", "llama, 5,", "biased, 64,", "tied, 7,", "llama, 64, qv all-linear-half patterns regex-rslora"})
    final void mixedBatchIsAsEachAlone(String base, int tokensPerStep, String only) throws IOException {
        List<String> names = only == null ? GOLDENS.of(base).stream().map(AdapterGoldens.Golden::name).toList() : List.of(only.split(" "));
        var requests = new ArrayList<Request>();
        for (int i = 0; i < 2 * (names.size() + 1); i++) {
            var params = AdapterGoldens.greedy(6).seed(i);
            int adapter = i % (names.size() + 1);
            if (adapter > 0) {
                params.adapter(names.get(adapter - 1));
            }
            int[] prompt = IntStream.range(0, 1 + i * 5 % 21).map(p -> (p * 11 + 5) % 64).toArray();
            requests.add(new Request(Prompt.ofTokens(prompt), params.build()));
        }
        LlmBuilder load = load(base).maxSequences(Math.min(64, 4 * tokensPerStep / 4)).maxTokensPerStep(tokensPerStep).blockSize(4);
        for (String a : names) {
            load.adapter(a, AdapterGoldens.folder(a, temp));
        }
        try (LLM llm = load.open()) {
            List<RequestOutput> together = llm.generate(requests);
            for (int i = 0; i < requests.size(); i++) {
                llm.resetPrefixCache();
                same(llm.generate(List.of(requests.get(i))).getFirst(), together.get(i), requests.get(i).params().adapter().orElse("none"));
            }
        }
    }

    private void same(RequestOutput want, RequestOutput got, String what) {
        got.error().ifPresent(e -> {
            throw e;
        });
        assertArrayEquals(want.tokenIds(), got.tokenIds(), what);
        for (int i = 0; i < want.tokenIds().length; i++) {
            double wanted = want.outputs().getFirst().logprobs().get(i).logprob();
            double far = Math.abs(wanted - got.outputs().getFirst().logprobs().get(i).logprob());
            assertTrue(far <= neighbourTolerance(), what + ": " + far);
        }
    }

    @Test
    final void textsOfOneAdapterAreNotTakenForAnother() throws IOException {
        try (LLM llm = open("llama", "qv", "dora"); LLM fresh = open("llama", "qv", "dora")) {
            for (String adapter : List.of("qv", "dora", "", "qv", "dora", "")) {
                var params = AdapterGoldens.greedy(4);
                if (!adapter.isEmpty()) {
                    params.adapter(adapter);
                }
                var request = new Request(Prompt.ofTokens(LONG), params.build());
                fresh.resetPrefixCache();
                RequestOutput got = llm.generate(List.of(request)).getFirst();
                same(fresh.generate(List.of(request)).getFirst(), got, adapter);
            }
            Request again = new Request(Prompt.ofTokens(LONG), AdapterGoldens.greedy(4).build());
            assertTrue(llm.generate(List.of(again.adapter("qv"))).getFirst().metrics().cachedTokens() > 0);
            llm.adapters().unload("qv");
            llm.adapters().load("qv", AdapterGoldens.folder("patterns", temp));
            assertEquals(0, llm.generate(List.of(again.adapter("qv"))).getFirst().metrics().cachedTokens());
        }
    }

    @Test
    final void outputsAndBeamsBranchWithTheirAdapter() throws IOException {
        Path folder = AdapterGoldens.folder("regex-rslora", temp);
        try (LLM beside = open("llama", "regex-rslora", "qv"); LLM merged = load("llama").mergeAdapter(folder).open()) {
            Prompt prompt = Prompt.ofTokens(LONG);
            var search = BeamSearchParams.builder(3).n(3).maxTokens(8).ignoreEos(true);
            RequestOutput want = merged.beamSearch(List.of(prompt), search.build()).getFirst();
            var busy = beside.submit(Request.of("", AdapterGoldens.greedy(8).build()).adapter("qv"));
            RequestOutput got = beside.beamSearch(List.of(prompt), search.adapter("regex-rslora").build()).getFirst();
            busy.cancel();
            for (int i = 0; i < 3; i++) {
                assertArrayEquals(want.outputs().get(i).tokenIds(), got.outputs().get(i).tokenIds());
            }
            var several = AdapterGoldens.greedy(8).n(3).temperature(0.8).seed(5);
            want = merged.generate(List.of(new Request(prompt, several.build()))).getFirst();
            got = beside.generate(List.of(new Request(prompt, several.adapter("regex-rslora").build()))).getFirst();
            for (int i = 0; i < 3; i++) {
                assertArrayEquals(want.outputs().get(i).tokenIds(), got.outputs().get(i).tokenIds());
            }
        }
    }

    @Test
    final void vectorsOfTexts() throws IOException {
        Path folder = AdapterGoldens.folder("saved", temp);
        try (LLM beside = open("llama", "saved"); LLM merged = load("llama").mergeAdapter(folder).open()) {
            List<Prompt> prompts = List.of(Prompt.ofTokens(LONG));
            float[] want = merged.embed(prompts, EmbeddingParams.defaults()).getFirst().vector();
            float[] plain = beside.embed(prompts, EmbeddingParams.defaults()).getFirst().vector();
            float[] got = beside.embed(prompts, EmbeddingParams.defaults().withAdapter("saved")).getFirst().vector();
            assertTrue(AdapterGoldens.difference(want, got) < TOLERANCE);
            assertTrue(AdapterGoldens.difference(want, plain) > 100 * TOLERANCE);
        }
    }

    @Test
    final void comeAndGoWhileTheModelRuns() throws IOException {
        try (LLM llm = load("llama").maxContext(64).open()) {
            check(llm, GOLDENS.base("llama"), Optional.empty());
            RequestHandle running = llm.submit(new Request(Prompt.ofTokens(5), AdapterGoldens.greedy(60).build()));
            llm.adapters().load("a", AdapterGoldens.folder("qv", temp));
            llm.adapters().load("b", AdapterGoldens.folder("saved", temp));
            assertEquals(List.of("a", "b"), llm.adapters().names());
            check(llm, GOLDENS.adapter("qv"), Optional.of("a"));
            RequestHandle withA = llm.submit(new Request(Prompt.ofTokens(5), AdapterGoldens.greedy(60).build()).adapter("a"));
            llm.adapters().unload("a");
            assertEquals(List.of("b"), llm.adapters().names());
            llm.adapters().load("c", AdapterGoldens.folder("dora", temp));
            check(llm, GOLDENS.adapter("dora"), Optional.of("c"));
            check(llm, GOLDENS.adapter("saved"), Optional.of("b"));
            assertEquals(60, running.result().join().tokenIds().length);
            withA.result().join().error().ifPresentOrElse(e -> assertTrue(e.getMessage().contains("unloaded"), e.getMessage()),
                    () -> assertEquals(60, withA.result().join().tokenIds().length));
            String said = llm.generate(List.of(new Request(Prompt.ofTokens(5), AdapterGoldens.greedy(1).build()).adapter("a"))).getFirst().error()
                    .orElseThrow().getMessage();
            assertTrue(said.contains("there is no adapter \"a\"; loaded are [b, c]"), said);
            check(llm, GOLDENS.base("llama"), Optional.empty());
        }
    }

    @Test
    final void namesAreUnique() throws IOException {
        Path qv = AdapterGoldens.folder("qv", temp);
        assertThrows(IllegalArgumentException.class, () -> load("llama").adapter("a", qv).adapter("a", qv));
        try (LLM llm = load("llama").adapter("a", qv).open()) {
            assertThrows(IllegalArgumentException.class, () -> llm.adapters().load("a", qv));
            assertThrows(IllegalArgumentException.class, () -> llm.adapters().load("", qv));
            assertThrows(IllegalArgumentException.class, () -> llm.adapters().unload("b"));
            assertFalse(llm.adapters().names().contains("b"));
        }
    }

    @Test
    final void packedWeightsAreNotMergedInto() throws IOException {
        Path file = temp.resolve("packed.gguf");
        Converter.convert(AdapterGoldens.model("llama", temp), file, Converter.Options.of(DType.Q8_0), Converter.Progress.NONE);
        Path qv = AdapterGoldens.folder("qv", temp);
        LlmBuilder load = on(LLM.load(file)).mergeAdapter(qv);
        String said = assertThrows(ModelLoadException.class, load::open).getMessage();
        assertTrue(said.contains("which is Q8_0 and no float"), said);
        try (LLM llm = on(LLM.load(file)).adapter("qv", qv).open()) {
            double worst = AdapterGoldens.difference(GOLDENS.adapter("qv").logits()[1], AdapterGoldens.logits(llm, GOLDENS.prompts()[1],
                    Optional.of("qv")));
            assertTrue(worst < 0.1, "of packed weights: " + worst);
        }
    }
}
