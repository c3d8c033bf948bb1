package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.StopReason;
import io.jllm.TokenStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Stop strings that hold special tokens, on real vocabularies of both kinds of files: the model is made to say the tokens. */
class StopStringsTest {
    private static LLM open(String name) {
        String root = System.getProperty("jllm.shared", "");
        Assumptions.assumeTrue(!root.isEmpty(), "skipped: -Djllm.shared=FOLDER is not given, " + name + " is looked for there");
        return LLM.load(Path.of(root, name)).backend("cpu").open();
    }

    /** Says the ids and then the last of them again and again. */
    private static SamplingParams saying(int[] ids, String... stops) {
        LogitsProcessor script = (tokens, prompt, length, logits) -> {
            Arrays.fill(logits, Float.NEGATIVE_INFINITY);
            logits[ids[Math.min(length - prompt, ids.length - 1)]] = 0;
        };
        return SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(ids.length + 3).stop(stops)
                .logitsProcessor(() -> script).build();
    }

    @ParameterizedTest
    @ValueSource(strings = {"models/fairytale-23m/hf", "models/fairytale-23m/fairytale-23m-Q4_0.gguf", "models/TinyStories-656K",
        "models/TinyStories-656K/TinyStories-656K-Q8_0.gguf"})
    void specialTokensStop(String model) {
        try (LLM llm = open(model)) {
            var t = llm.tokenizer();
            int[] special = IntStream.range(0, t.vocabSize()).filter(t::isSpecial).toArray();
            assertTrue(special.length > 0);
            int[] before = t.encode("Once there was a king", false, false);
            int[] after = t.encode("\nand", false, false);
            String text = t.decodeContinuation(before);
            for (int id : special) {
                String token = t.token(id);
                int[] said = join(before, new int[] {id, id}, after);
                check(llm, said, token, text, before.length + 1);
                check(llm, said, token + token, text, before.length + 2);
                check(llm, said, "king" + token, text.substring(0, text.length() - 4), before.length + 1);
                String following = t.decodeContinuation(after).substring(0, 1);
                int first = 1; // token that completes the first character: a vocabulary may spell it in bytes
                while (t.decodeContinuation(Arrays.copyOf(after, first)).isEmpty()) {
                    first++;
                }
                check(llm, said, token + following, text, before.length + 2 + first);
            }
        }
    }

    private static int[] join(int[]... parts) {
        return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
    }

    private static void check(LLM llm, int[] said, String stop, String text, int tokens) {
        SamplingParams params = saying(said, stop);
        RequestOutput out = llm.generate(List.of(new Request(Prompt.of("Hello"), params))).getFirst();
        assertEquals(text, out.text(), stop);
        assertEquals(tokens, out.tokenIds().length, stop);
        assertEquals(FinishReason.STOP, out.finishReason());
        assertEquals(Optional.of(new StopReason.Text(stop)), out.outputs().getFirst().stopReason());
        var streamed = new StringBuilder();
        try (TokenStream stream = llm.stream(Prompt.of("Hello"), params)) {
            stream.forEach(p -> streamed.append(p.text()));
        }
        assertEquals(text, streamed.toString(), stop);
    }
}
