package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.Gson;
import com.google.gson.annotations.SerializedName;
import io.jllm.BeamSearchParams;
import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.model.GoldenModel;
import io.jllm.sampling.EarlyStopping;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Beam searches on random models against what {@code generate} of Hugging Face transformers 5.18.0 found, computed in float32 on a
 * CPU with {@code attn_implementation="eager"}. End tokens are chosen among those that beams without end tokens come upon.
 */
class BeamGoldenTest {
    /** Searches on one model and prompt. */
    private record Golden(String model, int[] prompt, List<Case> cases) {
    }

    /** One search; {@code eos} ends a text in place of the model's own token; 0 stands for settings that are not given. */
    private record Case(int width, int n, int maxTokens, double lengthPenalty, EarlyStopping earlyStopping, List<Integer> eos,
                        float repetitionPenalty, int minTokens, int[][] ids, @SerializedName("scores") float[] scores) {
        BeamSearchParams params() {
            return BeamSearchParams.builder(width).n(n).maxTokens(maxTokens).lengthPenalty(lengthPenalty).earlyStopping(earlyStopping)
                    .ignoreEos(true).stopTokenIds(eos).minTokens(minTokens)
                    .repetitionPenalty(repetitionPenalty == 0 ? 1 : repetitionPenalty).build();
        }
    }

    private static Golden[] read() throws IOException {
        try (Reader in = new InputStreamReader(BeamGoldenTest.class.getResourceAsStream("beams.json"), StandardCharsets.UTF_8)) {
            return new Gson().fromJson(in, Golden[].class);
        }
    }

    @Test
    void searchesFindWhatTransformersFinds(@TempDir Path folder) throws IOException {
        int ended = 0;
        for (Golden g : read()) {
            try (LLM llm = LLM.load(GoldenModel.unpack(g.model, "config.json", folder)).backend("reference").open()) {
                for (Case c : g.cases) {
                    RequestOutput out = llm.beamSearch(List.of(Prompt.ofTokens(g.prompt)), c.params()).getFirst();
                    ended += check(g.model + " " + c, c, out);
                }
                assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
            }
        }
        assertTrue(ended > 100, "texts that ended by themselves: " + ended);
    }

    private static int check(String which, Case c, RequestOutput out) {
        assertTrue(out.error().isEmpty(), () -> which + ": " + out.error());
        assertEquals(c.n, out.outputs().size(), which);
        int ended = 0;
        for (int i = 0; i < c.n; i++) {
            CompletionOutput o = out.outputs().get(i);
            assertArrayEquals(c.ids[i], o.tokenIds(), which + ", text " + i);
            assertEquals(c.scores[i], o.score().orElseThrow(), Math.max(1, Math.abs(c.scores[i])) * 1e-4, which);
            boolean atEnd = c.eos.contains(c.ids[i][c.ids[i].length - 1]);
            assertEquals(atEnd ? FinishReason.STOP : FinishReason.LENGTH, o.finishReason(), which);
            ended += atEnd ? 1 : 0;
        }
        return ended;
    }
}
