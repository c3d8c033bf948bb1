package io.jllm.cpu;

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
import io.jllm.TokenLogprobs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Real models against what Hugging Face transformers computed with them in float32. */
class GoldenModelsTest {
    private static Path shared(String name) {
        String root = System.getProperty("jllm.shared", "");
        Assumptions.assumeTrue(!root.isEmpty(), "skipped: -Djllm.shared=FOLDER is not given, " + name + " is looked for there");
        return Path.of(root, name);
    }

    private static int[] ints(JsonElement array) {
        return StreamSupport.stream(array.getAsJsonArray().spliterator(), false).mapToInt(JsonElement::getAsInt).toArray();
    }

    @Test
    void fairytale() throws IOException {
        Path folder = shared("models/fairytale-23m");
        JsonArray cases = JsonParser.parseString(Files.readString(folder.resolve("golden.json"))).getAsJsonObject().getAsJsonArray("cases");
        assertEquals(4, cases.size());
        try (LLM llm = LLM.load(folder.resolve("hf")).backend("cpu").open()) {
            for (JsonElement e : cases) {
                JsonObject c = e.getAsJsonObject();
                int[] ids = ints(c.get("ids"));
                assertTrue(Arrays.equals(ids, llm.tokenizer().encode(c.get("prompt").getAsString())), "prompt ids");
                checkTop(llm, ids, c.getAsJsonArray("last_top"));
                checkPrompt(llm, ids, c.getAsJsonArray("prompt_logprobs"), 2e-4);
                for (JsonElement g : c.getAsJsonArray("gen")) {
                    checkGreedy(llm, ids, g.getAsJsonObject(), "margins");
                }
            }
        }
    }

    @Test
    void tinyStories() throws IOException {
        JsonArray cases = JsonParser.parseString(Files.readString(shared("cases/hf_tinystories656k_generation.json"))).getAsJsonObject()
                .getAsJsonArray("cases");
        assertEquals(5, cases.size());
        try (LLM llm = LLM.load(shared("models/TinyStories-656K")).backend("cpu").open()) {
            for (JsonElement e : cases) {
                JsonObject c = e.getAsJsonObject();
                int[] ids = ints(c.get("ids"));
                assertTrue(Arrays.equals(ids, llm.tokenizer().encode(c.get("prompt").getAsString())), "prompt ids");
                checkPrompt(llm, ids, c.getAsJsonArray("prompt_logprobs"), 1e-3);
                for (JsonElement g : c.getAsJsonArray("gen")) {
                    checkGreedy(llm, ids, g.getAsJsonObject(), "top2_margin_per_step");
                }
            }
        }
    }

    private static void checkTop(LLM llm, int[] ids, JsonArray top) {
        var row = new AtomicReference<float[]>();
        LogitsProcessor capture = (tokens, prompt, length, logits) -> row.set(logits.clone());
        RequestOutput out = llm.generate(List.of(Prompt.ofTokens(ids)), SamplingParams.builder().temperature(0).maxTokens(1)
                .logprobs(20).logitsProcessor(() -> capture).build()).getFirst();
        TokenLogprobs first = out.outputs().getFirst().logprobs().getFirst();
        for (int i = 0; i < top.size(); i++) {
            JsonObject want = top.get(i).getAsJsonObject();
            assertEquals(want.get("logit").getAsDouble(), row.get()[want.get("id").getAsInt()], 2e-4);
            assertEquals(want.get("logprob").getAsDouble(), first.topLogprobs()[i], 2e-4);
        }
    }

    private static void checkPrompt(LLM llm, int[] ids, JsonArray want, double tolerance) {
        RequestOutput out = llm.generate(List.of(Prompt.ofTokens(ids)),
                SamplingParams.builder().maxTokens(0).promptLogprobs(0).build()).getFirst();
        assertEquals(want.size() + 1, out.promptLogprobs().size());
        for (int i = 0; i < want.size(); i++) {
            assertEquals(want.get(i).getAsDouble(), out.promptLogprobs().get(i + 1).logprob(), tolerance);
        }
    }

    /** Plain and penalised greedy continuations; beams and other processors are checked where they are built. */
    private static void checkGreedy(LLM llm, int[] ids, JsonObject g, String margins) {
        JsonObject p = g.getAsJsonObject("params");
        if (p.has("num_beams") || p.has("no_repeat_ngram_size") || p.has("min_new_tokens")) {
            return;
        }
        var params = SamplingParams.builder().temperature(0).maxTokens(p.get("max_new_tokens").getAsInt());
        if (p.has("repetition_penalty")) {
            params.repetitionPenalty(p.get("repetition_penalty").getAsDouble());
        }
        int[] got = llm.generate(List.of(Prompt.ofTokens(ids)), params.build()).getFirst().tokenIds();
        int[] want = ints(g.getAsJsonArray("new_ids").get(0));
        JsonArray margin = g.getAsJsonArray(margins);
        for (int i = 0; i < want.length; i++) {
            if (i >= got.length || got[i] != want[i]) {
                assertTrue(margin.get(i).getAsDouble() < 1e-3,
                        g.get("name") + ": token " + i + " differs at a margin of " + margin.get(i));
                return;
            }
        }
        assertEquals(want.length, got.length, g.get("name") + ": as many tokens");
    }
}
