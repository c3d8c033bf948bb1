package io.jllm.cpu.folder;

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
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The bug of padded batches: a program that fills short prompts up on the left, so that all of a batch have one length, and forgets to mask the
 * filling or to count positions without it, answers short prompts otherwise in company than alone. Here nothing is filled up: a batch is tokens
 * with sequences and positions of their own. Each prompt, beside one of another length, must be answered as transformers answers it alone;
 * among the models are those that rotate, that learn positions, and that weigh by distance (ALiBi).
 */
class LeftPaddingTest {
    /** Golden values are of other models than those that bear these names; transformers gives others for these, too. */
    private static final Set<String> OTHERS = Set.of("families-shared/phi", "families-shared/falcon-7b");
    private static final double TOLERANCE = 1e-4;
    private static final double MARGIN = 1e-3;

    private static Path shared() {
        String root = System.getProperty("jllm.shared", "");
        Assumptions.assumeTrue(!root.isEmpty(), "skipped: -Djllm.shared=FOLDER is not given, oracles/batch is looked for there");
        return Path.of(root);
    }

    private static Path model(String name) {
        return name.equals("fairytale-23m") ? shared().resolve("models/fairytale-23m/hf")
                : shared().resolve("oracles/families").resolve(name.substring(name.indexOf('/') + 1));
    }

    @TestFactory
    Stream<DynamicTest> aShortPromptBesideALongOne() throws IOException {
        JsonArray cases = JsonParser.parseString(Files.readString(shared().resolve("oracles/batch/batch.json"))).getAsJsonObject()
                .getAsJsonArray("cases");
        assertEquals(9, cases.size());
        return StreamSupport.stream(cases.spliterator(), false).map(JsonElement::getAsJsonArray)
                .map(rows -> DynamicTest.dynamicTest(rows.get(0).getAsJsonObject().get("model").getAsString(), () -> check(rows)));
    }

    private static int[] ints(JsonArray array) {
        return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonElement::getAsInt).toArray();
    }

    private static void check(JsonArray rows) {
        List<JsonObject> wanted = StreamSupport.stream(rows.spliterator(), false).map(JsonElement::getAsJsonObject).toList();
        var requests = new ArrayList<Request>();
        var logits = new ArrayList<AtomicReference<float[]>>();
        for (JsonObject want : wanted) {
            var first = new AtomicReference<float[]>();
            logits.add(first);
            LogitsProcessor keep = (tokens, prompt, length, values) -> first.compareAndSet(null, values.clone());
            requests.add(new Request(Prompt.ofTokens(ints(want.getAsJsonArray("ids"))), SamplingParams.builder().temperature(0).ignoreEos(true)
                    .maxTokens(want.getAsJsonObject("greedy").getAsJsonArray("new_ids").size()).logitsProcessor(() -> keep).build()));
        }
        assertTrue(((Prompt.Tokens) requests.get(0).prompt()).ids().length != ((Prompt.Tokens) requests.get(1).prompt()).ids().length);
        try (LLM llm = LLM.load(model(wanted.getFirst().get("model").getAsString())).backend("cpu").open()) {
            List<RequestOutput> together = llm.generate(requests);
            for (int r = 0; r < wanted.size(); r++) {
                int[] got = together.get(r).outputs().getFirst().tokenIds();
                if (!OTHERS.contains(wanted.get(r).get("model").getAsString())) {
                    check(wanted.get(r), logits.get(r).get(), got, "prompt " + r);
                }
                assertArrayEquals(llm.generate(List.of(requests.get(r))).getFirst().outputs().getFirst().tokenIds(), got, "prompt " + r + ", alone");
            }
        }
    }

    private static void check(JsonObject want, float[] logits, int[] got, String what) {
        for (JsonElement pair : want.getAsJsonArray("top")) {
            JsonArray idAndLogit = pair.getAsJsonArray();
            assertEquals(idAndLogit.get(1).getAsDouble(), logits[idAndLogit.get(0).getAsInt()], TOLERANCE * want.get("rms").getAsDouble(), what);
        }
        int[] ids = ints(want.getAsJsonObject("greedy").getAsJsonArray("new_ids"));
        JsonArray margins = want.getAsJsonObject("greedy").getAsJsonArray("margins");
        for (int i = 0; i < ids.length && got[i] == ids[i] | margins.get(i).getAsDouble() >= MARGIN; i++) {
            assertEquals(ids[i], got[i], what + ", token " + i);
        }
    }
}
