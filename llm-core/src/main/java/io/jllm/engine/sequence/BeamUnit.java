package io.jllm.engine.sequence;

import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.TokenLogprobs;
import io.jllm.sampling.BeamScorer;
import io.jllm.spi.ModelRunner;
import io.jllm.tokenizer.StreamingDetokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Supplier;

/**
 * All beams of a search, in lock-step: their next tokens are computed in one step or not at all. One of them computes what all
 * have in common, the prompt at first, and after a preemption whatever their texts share; then the others branch off.
 */
public final class BeamUnit extends SchedulingUnit {
    private final SequenceSettings settings;
    private final BeamScorer scorer;
    private final int wantedOutputs;
    private final Supplier<StreamingDetokenizer> detokenizers;
    private final List<Sequence> slotHolders = new ArrayList<>();
    private final Map<BeamScorer.Hypothesis, Said> finished = new HashMap<>();
    private List<Sequence> live;
    private List<Said> said = Arrays.asList((Said) null);
    private boolean folded;
    private int common;
    private FinishReason ended;

    /** The last token of a text, and what was said before it: null at its first. Beams share their beginnings. */
    public record Said(Said before, TokenLogprobs token) {
        List<TokenLogprobs> all() {
            var all = new ArrayList<TokenLogprobs>();
            for (Said s = this; s != null; s = s.before) {
                all.add(s.token);
            }
            return all.reversed();
        }
    }

    /**
     * @param wantedOutputs how many texts are asked for
     * @param detokenizers makes a new one for each of them
     */
    public BeamUnit(SequenceGroup group, SequenceSettings settings, int width, BeamScorer scorer, int wantedOutputs,
             Supplier<StreamingDetokenizer> detokenizers) {
        super(group, 0);
        this.settings = settings;
        this.scorer = scorer;
        this.wantedOutputs = wantedOutputs;
        this.detokenizers = detokenizers;
        for (int i = 0; i < width; i++) {
            slotHolders.add(new Sequence(this, settings));
        }
        live = List.of(slotHolders.getFirst());
    }

    public BeamScorer scorer() {
        return scorer;
    }

    public SequenceSettings settings() {
        return settings;
    }

    /** What a running beam has said, by its place. */
    public Said said(int beam) {
        return said.get(beam);
    }

    @Override
    public List<Sequence> slotHolders() {
        return slotHolders;
    }

    @Override
    public List<Sequence> active() {
        return folded ? live.subList(0, 1) : live;
    }

    @Override
    public int wanted(Sequence s) {
        if (folded) {
            return common - s.computed();
        }
        return ready() ? s.behind() : s.behind() - 1;
    }

    @Override
    public int least() {
        return ready() ? live.size() : 1;
    }

    /** Whether the next step may tell the next token of every beam. */
    private boolean ready() {
        return !folded && (live.size() == 1 || live.stream().allMatch(s -> s.behind() == 1));
    }

    /** Only a token ends a beam. */
    @Override
    int reserved() {
        return 1;
    }

    @Override
    public List<Sequence> rows(Sequence s) {
        return List.of(s);
    }

    @Override
    public List<SchedulingUnit> fork(ModelRunner runner) {
        Sequence leader = live.getFirst();
        if (folded && leader.computed() == common) {
            folded = false;
            live.stream().skip(1).forEach(s -> s.share(leader, runner));
        }
        return List.of();
    }

    @Override
    public void rest() {
        super.rest();
        folded = live.size() > 1;
        common = live.stream().mapToInt(s -> s.sameAs(live.getFirst())).min().orElseThrow();
    }

    /**
     * Takes the beams on: those that are continued more than once are forked by reference, in the place of those that are not.
     *
     * @param chosen the beams that run from now on, by those that ran until now; not empty
     * @param tokens for each of them what it has said, the new token included
     */
    public void advance(List<BeamScorer.Choice> chosen, List<Said> tokens, ModelRunner runner) {
        var next = new ArrayList<Sequence>();
        var continued = new boolean[live.size()];
        var free = new ArrayList<>(slotHolders);
        chosen.forEach(c -> free.remove(live.get(c.beam())));
        free.forEach(Sequence::releaseBlocks);
        for (BeamScorer.Choice c : chosen) {
            Sequence parent = live.get(c.beam());
            if (continued[c.beam()]) {
                Sequence fork = free.removeLast();
                fork.fork(parent, runner);
                next.add(fork);
            } else {
                continued[c.beam()] = true;
                next.add(parent);
            }
        }
        // Only now: a parent must stay as it was until its last fork.
        for (int i = 0; i < next.size(); i++) {
            next.get(i).append(chosen.get(i).token());
        }
        live = next;
        said = tokens;
    }

    /** Keeps what the finished hypotheses have said, and forgets those that were displaced. */
    public void keep(Map<BeamScorer.Hypothesis, Said> more) {
        finished.putAll(more);
        finished.keySet().retainAll(scorer.hypotheses());
    }

    @Override
    public boolean finished() {
        return ended != null || scorer.done();
    }

    @Override
    void finish(FinishReason reason) {
        ended = ended == null ? reason : ended;
    }

    @Override
    void fail() {
        ended = FinishReason.ERROR;
    }

    @Override
    List<CompletionOutput> outputs() {
        var outputs = new ArrayList<CompletionOutput>();
        for (BeamScorer.Hypothesis h : scorer.hypotheses()) {
            add(outputs, finished.get(h), h.score());
        }
        for (int beam = 0; beam < live.size() && !scorer.done(); beam++) {
            add(outputs, said.get(beam), scorer.score(beam));
        }
        return outputs;
    }

    private void add(List<CompletionOutput> outputs, Said text, float score) {
        if (outputs.size() == wantedOutputs) {
            return;
        }
        var completion = new Completion(outputs.size(), settings, detokenizers.get(), StopStrings.NONE);
        if (text != null) {
            text.all().forEach(token -> completion.accept(token, false));
        }
        if (ended == FinishReason.ERROR) {
            completion.fail();
        } else if (!completion.finished()) {
            completion.finish(ended, Optional.empty());
        }
        outputs.add(completion.output(OptionalDouble.of(score)));
    }
}
