package io.jllm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.BeamSearchParams;
import io.jllm.LLM;
import io.jllm.LlmBuilder;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * What an engine promises, for a model of every family: a request says the same alone and among others, in any chunks, on any block size,
 * when it was put back, forked, searched with beams, and when its beginning is found in the prefix cache. {@code -Djllm.family=NAME} picks one.
 */
public abstract class FamilyServing {
    private static final int SEQUENCES = 4;
    private static final int STEP = 256;
    private static final int BLOCK = 16;
    private static final int VOCAB = 320;
    /** Of a token, where sums may differ. */
    private static final double LOGPROB = 1e-3;
    private static final int[] LENGTHS = {1, 5, 17, 40, 90, 33, 64, 12};

    /** Chooses the backend that is tested. */
    protected abstract LlmBuilder on(LlmBuilder builder);

    /**
     * How many of 100 outputs must be the same ids, and how far apart log-probabilities of those may be: all, and not at all, where no sum depends
     * on what else is computed. Where the order of sums does, a near tie may fall either way, and then the rest of a text is another.
     */
    protected int percentSame() {
        return 100;
    }

    /** Whether a KV cache may be as small as is asked for. */
    protected boolean smallPools() {
        return true;
    }

    /** A test for each folder of a family that is known. */
    @TestFactory
    final Stream<DynamicTest> families() throws IOException {
        return FamilyOracles.folders().stream().map(f -> DynamicTest.dynamicTest(f.getFileName().toString(), () -> new Model(f).check()));
    }

    /** A model, and what it says when it is asked one thing at a time. */
    private final class Model {
        private final Path folder;
        private final List<Request> requests;
        private final List<RequestOutput> alone;
        private final RequestOutput beamsAlone;
        private final long blockBytes;

        Model(Path folder) {
            this.folder = folder;
            requests = requests();
            try (LLM llm = open(b -> b.maxSequences(SEQUENCES).maxTokensPerStep(STEP).blockSize(BLOCK).prefixCache(false))) {
                alone = requests.stream().map(r -> llm.generate(List.of(r)).getFirst()).toList();
                beamsAlone = beams(llm);
                blockBytes = llm.memory().kvLimit() / llm.metrics().kvBlocks();
            }
        }

        private LLM open(UnaryOperator<LlmBuilder> settings) {
            return settings.apply(on(LLM.load(folder))).open();
        }

        private RequestOutput beams(LLM llm) {
            var params = BeamSearchParams.builder(3).n(3).maxTokens(9).ignoreEos(true).build();
            return llm.beamSearch(List.of(prompt(new Random(5), 21)), params).getFirst();
        }

        void check() {
            together("together", 16, STEP, BLOCK, 400);
            together("in chunks of 7", 16, 7, BLOCK, 400);
            together("on blocks of 1", 16, 50, 1, 6000);
            together("on blocks of 5", 16, STEP, 5, 1200);
            long putBack = together("in a small pool", 8, 64, 8, 26);
            assertTrue(putBack > 0 || !smallPools(), "nothing was put back");
            try (LLM llm = open(b -> b.maxSequences(16).maxTokensPerStep(STEP).blockSize(8))) {
                for (int round = 0; round < 2; round++) {
                    same("in round " + round + " with a prefix cache", alone, llm.generate(requests));
                    long before = llm.metrics().cachedTokens();
                    same("beams", List.of(beamsAlone), List.of(beams(llm)));
                    assertTrue(round == 0 || before > 0, "nothing was found in the prefix cache");
                }
            }
        }

        /** How often a sequence was put back. */
        private long together(String how, int sequences, int tokens, int blockSize, int blocks) {
            long bytes = blockBytes * blockSize / BLOCK * blocks;
            try (LLM llm = open(b -> b.maxSequences(sequences).maxTokensPerStep(tokens).blockSize(blockSize).kvCache(bytes).prefixCache(false))) {
                same(how, alone, llm.generate(requests));
                same(how + ", beams", List.of(beamsAlone), List.of(beams(llm)));
                assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks(), how + ": leaked blocks");
                return llm.metrics().preemptions();
            }
        }
    }

    private static Prompt prompt(Random random, int length) {
        return Prompt.ofTokens(random.ints(length, 0, VOCAB).toArray());
    }

    private static List<Request> requests() {
        var random = new Random(11);
        var requests = new ArrayList<Request>();
        for (int i = 0; i < LENGTHS.length; i++) {
            var params = SamplingParams.builder().maxTokens(40).ignoreEos(true);
            switch (i % 4) {
                case 0 -> params.temperature(0);
                case 1 -> params.temperature(1.3).seed(i).n(3);
                case 2 -> params.temperature(0.8).topK(9).topP(0.9).minP(0.02).seed(i).frequencyPenalty(0.5);
                default -> params.temperature(0).repetitionPenalty(1.3).logprobs(2);
            }
            requests.add(new Request(prompt(random, LENGTHS[i]), params.build()));
        }
        return requests;
    }

    private void same(String how, List<RequestOutput> want, List<RequestOutput> got) {
        int outputs = 0;
        int same = 0;
        String other = "";
        for (int i = 0; i < want.size(); i++) {
            String which = how + ", request " + i;
            RequestOutput g = got.get(i);
            assertTrue(g.error().isEmpty(), () -> which + ": " + g.error());
            for (int o = 0; o < want.get(i).outputs().size(); o++) {
                var a = want.get(i).outputs().get(o);
                var b = g.outputs().get(o);
                outputs++;
                if (Arrays.equals(a.tokenIds(), b.tokenIds())) {
                    same++;
                    assertEquals(a.cumulativeLogprob(), b.cumulativeLogprob(), percentSame() == 100 ? 0 : LOGPROB * a.tokenIds().length,
                            which + ", output " + o);
                } else {
                    other = which + ", output " + o + ": " + Arrays.toString(a.tokenIds()) + " and " + Arrays.toString(b.tokenIds());
                }
            }
        }
        // One of a few is not many, so one near tie is always allowed where any is.
        assertTrue(100 * same >= percentSame() * outputs || percentSame() < 100 && same == outputs - 1,
                same + " of " + outputs + " are the same; not " + other);
    }
}
