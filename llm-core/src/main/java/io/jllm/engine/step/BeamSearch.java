package io.jllm.engine.step;

import io.jllm.LogitsProcessor;
import io.jllm.TokenLogprobs;
import io.jllm.engine.sequence.BeamUnit;
import io.jllm.engine.sequence.Sequence;
import io.jllm.sampling.BeamScorer;
import io.jllm.sampling.SamplerChain;
import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.ModelRunner;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Takes searches on by a token, from the rows of logits of their beams. Where nothing changes the rows, the device gives the best
 * tokens of each and the rows stay there.
 */
final class BeamSearch {
    private final ModelRunner runner;
    private final int vocab;
    private final SamplerChain chain;
    private final Alternatives alternatives;
    private final StepMasks masks;
    private final float[] raw;
    private final float[] row;

    /** The best tokens of some rows, as many for each: their scores, and what the model itself thinks of them. */
    private record Candidates(int each, int[] tokens, float[] scores, float[] logprobs) {
        float logprob(int beam, int token) {
            int i = beam * each;
            while (tokens[i] != token) {
                i++;
            }
            return logprobs[i];
        }
    }

    BeamSearch(ModelRunner runner, int vocab, StepMasks masks) {
        this.masks = masks;
        this.runner = runner;
        this.vocab = vocab;
        chain = new SamplerChain(vocab);
        alternatives = new Alternatives(runner, vocab);
        raw = new float[vocab];
        row = new float[vocab];
    }

    /**
     * Takes a search on.
     *
     * @param first the first of the rows of its active beams, in their order
     * @throws RuntimeException what an application's processor throws, and {@link IllegalStateException} if no token may be picked
     */
    void advance(BeamUnit u, int first) {
        BeamScorer scorer = u.scorer();
        List<Sequence> beams = u.active();
        int each = scorer.candidates(u.settings().endTokens(), vocab);
        Candidates candidates = plain(beams.getFirst()) ? onDevice(beams.size(), first, each) : onHost(beams, first, each);
        List<BeamScorer.Choice> chosen = scorer.step(candidates.tokens, candidates.scores, u.settings()::ends);
        u.keep(finished(u, candidates, first));
        if (!scorer.done()) {
            var said = new ArrayList<BeamUnit.Said>();
            chosen.forEach(c -> said.add(said(u, candidates, first, c.beam(), c.token())));
            u.advance(chosen, said, runner);
        }
    }

    private static boolean plain(Sequence s) {
        SamplerSettings settings = s.settings();
        return !settings.hasPenalties() && settings.bias().isEmpty() && s.processor() == null && s.mask() == null;
    }

    private Candidates onDevice(int beams, int first, int each) {
        int[] rows = new int[beams];
        for (int i = 0; i < beams; i++) {
            rows[i] = first + i;
        }
        int[] tokens = new int[beams * each];
        float[] logprobs = new float[beams * each];
        runner.topK(rows, each, tokens, logprobs);
        return new Candidates(each, tokens, logprobs, logprobs);
    }

    private Candidates onHost(List<Sequence> beams, int first, int each) {
        int[] tokens = new int[beams.size() * each];
        float[] scores = new float[tokens.length];
        float[] logprobs = new float[tokens.length];
        for (int beam = 0; beam < beams.size(); beam++) {
            Sequence s = beams.get(beam);
            MemorySegment.copy(runner.logits(), ValueLayout.JAVA_FLOAT, (long) (first + beam) * vocab * Float.BYTES, raw, 0, vocab);
            chain.logSoftmax(raw);
            System.arraycopy(raw, 0, row, 0, vocab);
            if (s.mask() != null) {
                masks.apply(first + beam, row);
            }
            LogitsProcessor processor = s.processor();
            if (processor != null) {
                processor.process(s.tokens(), s.promptLength(), s.length(), row);
            }
            chain.adjust(row, s.settings(), s.tokens(), s.promptLength(), s.length());
            chain.highest(row, each, tokens, scores, beam * each);
            for (int i = beam * each; i < (beam + 1) * each; i++) {
                logprobs[i] = raw[tokens[i]];
            }
        }
        return new Candidates(each, tokens, scores, logprobs);
    }

    private Map<BeamScorer.Hypothesis, BeamUnit.Said> finished(BeamUnit u, Candidates candidates, int first) {
        var finished = new HashMap<BeamScorer.Hypothesis, BeamUnit.Said>();
        for (BeamScorer.Hypothesis h : u.scorer().hypotheses()) {
            if (h.length() == u.scorer().length()) {
                finished.put(h, said(u, candidates, first, h.beam(), h.token()));
            }
        }
        return finished;
    }

    private BeamUnit.Said said(BeamUnit u, Candidates candidates, int first, int beam, int token) {
        TokenLogprobs logprobs = alternatives.of(first + beam, token, candidates.logprob(beam, token), u.group().params().logprobs());
        return new BeamUnit.Said(u.said(beam), logprobs);
    }
}
