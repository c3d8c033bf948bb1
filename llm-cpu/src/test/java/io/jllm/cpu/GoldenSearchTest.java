package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.BeamSearchParams;
import io.jllm.CompletionOutput;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.sampling.EarlyStopping;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Beam searches, processors and least lengths on real models against what Hugging Face transformers generated in float32. */
class GoldenSearchTest {
    private static Path shared(String name) {
        String root = System.getProperty("jllm.shared", "");
        Assumptions.assumeTrue(!root.isEmpty(), "skipped: -Djllm.shared=FOLDER is not given, " + name + " is looked for there");
        return Path.of(root, name);
    }

    private static JsonArray cases(String file) throws IOException {
        return JsonParser.parseString(Files.readString(shared(file))).getAsJsonObject().getAsJsonArray("cases");
    }

    private static int[] ints(JsonElement array) {
        return StreamSupport.stream(array.getAsJsonArray().spliterator(), false).mapToInt(JsonElement::getAsInt).toArray();
    }

    @Test
    void fairytale() throws IOException {
        try (LLM llm = LLM.load(shared("models/fairytale-23m").resolve("hf")).backend("cpu").open()) {
            assertEquals(16, searches(llm, cases("models/fairytale-23m/golden.json"), "scores", 0));
        }
    }

    @Test
    void tinyStories() throws IOException {
        JsonArray cases = cases("cases/hf_tinystories656k_generation.json");
        try (LLM llm = LLM.load(shared("models/TinyStories-656K")).backend("cpu").open()) {
            assertEquals(40, searches(llm, cases, "sequences_scores", 2));
            int greedy = 0;
            for (JsonElement e : cases) {
                int[] ids = ints(e.getAsJsonObject().get("ids"));
                for (JsonElement g : e.getAsJsonObject().getAsJsonArray("gen")) {
                    greedy += greedy(llm, ids, g.getAsJsonObject());
                }
            }
            assertEquals(10, greedy);
        }
    }

    /** All beam searches of some cases, at once; returns how many. */
    private static int searches(LLM llm, JsonArray cases, String scores, int eos) {
        int count = 0;
        for (JsonElement e : cases) {
            int[] ids = ints(e.getAsJsonObject().get("ids"));
            for (JsonElement g : e.getAsJsonObject().getAsJsonArray("gen")) {
                if (g.getAsJsonObject().getAsJsonObject("params").has("num_beams")) {
                    search(llm, ids, g.getAsJsonObject(), scores, eos);
                    count++;
                }
            }
        }
        return count;
    }

    private static void search(LLM llm, int[] ids, JsonObject g, String scores, int eos) {
        JsonObject p = g.getAsJsonObject("params");
        var params = BeamSearchParams.builder(p.get("num_beams").getAsInt()).maxTokens(p.get("max_new_tokens").getAsInt());
        if (p.has("num_return_sequences")) {
            params.n(p.get("num_return_sequences").getAsInt());
        }
        if (p.has("length_penalty")) {
            params.lengthPenalty(p.get("length_penalty").getAsDouble());
        }
        if (p.has("early_stopping")) {
            params.earlyStopping(EarlyStopping.valueOf(p.get("early_stopping").getAsString().toUpperCase(Locale.ROOT)));
        }
        if (p.has("repetition_penalty")) {
            params.repetitionPenalty(p.get("repetition_penalty").getAsDouble());
        }
        RequestOutput out = llm.beamSearch(List.of(Prompt.ofTokens(ids)), params.build()).getFirst();
        String name = g.get("name").getAsString();
        assertTrue(out.error().isEmpty(), () -> name + ": " + out.error());
        assertEquals(g.getAsJsonArray("new_ids").size(), out.outputs().size(), name);
        for (int i = 0; i < out.outputs().size(); i++) {
            CompletionOutput o = out.outputs().get(i);
            assertArrayEquals(stripped(ints(g.getAsJsonArray("new_ids").get(i)), eos), o.tokenIds(), name + ", text " + i);
            assertEquals(g.getAsJsonArray(scores).get(i).getAsDouble(), o.score().orElseThrow(), 1e-3, name);
        }
    }

    /** Without the end tokens that fill a text up to the length of the longest; the one that ended it stays. */
    private static int[] stripped(int[] ids, int eos) {
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] == eos) {
                return Arrays.copyOf(ids, i + 1);
            }
        }
        return ids;
    }

    /** No pair of tokens twice. */
    private static final LogitsProcessor NO_REPEATED_PAIR = (tokens, prompt, length, logits) -> {
        for (int i = 0; i + 1 < length; i++) {
            if (tokens[i] == tokens[length - 1]) {
                logits[tokens[i + 1]] = Float.NEGATIVE_INFINITY;
            }
        }
    };

    private static int greedy(LLM llm, int[] ids, JsonObject g) {
        JsonObject p = g.getAsJsonObject("params");
        var params = SamplingParams.builder().temperature(0).maxTokens(p.get("max_new_tokens").getAsInt());
        if (p.has("no_repeat_ngram_size")) {
            assertEquals(2, p.get("no_repeat_ngram_size").getAsInt());
            params.logitsProcessor(() -> NO_REPEATED_PAIR);
        } else if (p.has("min_new_tokens")) {
            params.minTokens(p.get("min_new_tokens").getAsInt());
        } else {
            return 0;
        }
        int[] want = ints(g.getAsJsonArray("new_ids").get(0));
        assertArrayEquals(want, llm.generate(List.of(Prompt.ofTokens(ids)), params.build()).getFirst().tokenIds(), g.get("name").getAsString());
        return 1;
    }
}
