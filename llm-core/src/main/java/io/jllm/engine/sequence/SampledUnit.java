package io.jllm.engine.sequence;

import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.TokenLogprobs;
import io.jllm.TokenStream;
import io.jllm.constraint.TokenMask;
import io.jllm.spi.ModelRunner;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * One sampled sequence. The first of a request computes the prompt for all; when it is done the others branch off, and each goes
 * its own way from there.
 */
public final class SampledUnit extends SchedulingUnit {
    private final Sequence sequence;
    private final Completion completion;
    private List<SampledUnit> followers = List.of();

    private SampledUnit(SequenceGroup group, SequenceSettings settings, Completion completion) {
        super(group, completion.index());
        this.completion = completion;
        sequence = new Sequence(this, settings);
    }

    /** The units of a request, one for each completion; the first leads. */
    public static List<SampledUnit> of(SequenceGroup group, SequenceSettings settings, List<Completion> completions) {
        var units = new ArrayList<SampledUnit>();
        for (Completion c : completions) {
            units.add(new SampledUnit(group, settings.ofSequence(c.index()), c));
        }
        if (settings.maxTokens() > 0) {
            units.getFirst().followers = List.copyOf(units.subList(1, units.size()));
        }
        return units;
    }

    public Sequence sequence() {
        return sequence;
    }

    @Override
    public List<Sequence> slotHolders() {
        if (followers.isEmpty()) {
            return List.of(sequence);
        }
        var all = new ArrayList<Sequence>();
        all.add(sequence);
        followers.forEach(f -> all.add(f.sequence));
        return all;
    }

    @Override
    public List<Sequence> active() {
        return List.of(sequence);
    }

    /**
     * Where log-probabilities of the prompt are asked for, each position but the last tells the next one's; and so does each position before a
     * token that is known ahead.
     */
    @Override
    int nextWantedRow(int from) {
        boolean ofPrompt = group().params().promptLogprobs().isPresent() && from < group().promptIds().length - 1;
        return ofPrompt ? from : sequence.nextRowAhead(from);
    }

    @Override
    public int wanted(Sequence s) {
        return s.behind() - (s.endsAhead() ? 1 : 0);
    }

    @Override
    public List<Sequence> rows(Sequence s) {
        return scoresOnly() ? List.of() : slotHolders();
    }

    @Override
    public List<SampledUnit> fork(ModelRunner runner) {
        if (followers.isEmpty() || sequence.behind() > 0) {
            return List.of();
        }
        for (SampledUnit f : followers) {
            f.sequence.fork(sequence, runner);
        }
        List<SampledUnit> born = followers;
        followers = List.of();
        return born;
    }

    /** Whether others branch off from it when its prompt is computed. */
    public boolean branches() {
        return !followers.isEmpty();
    }

    /** Whether nothing is to be generated. */
    public boolean scoresOnly() {
        return sequence.maxTokens() == 0;
    }

    /**
     * Adds a token that was drawn and passes its text on; {@link #finished} tells whether it was the last. If it was not, its constraint may know
     * what comes next.
     *
     * @param longest how long it may become by that
     */
    public void drawn(TokenLogprobs token, int longest) {
        sequence.append(token.id());
        say(token);
        if (!finished()) {
            sequence.lookAhead(longest);
        }
    }

    /** Passes on the text of the first token that was known ahead. */
    public void known(TokenLogprobs token) {
        sequence.said();
        say(token);
    }

    private void say(TokenLogprobs token) {
        TokenMask mask = sequence.mask();
        String text = completion.accept(token, sequence.ahead() == 0 && mask != null && !mask.mayGoOn());
        group().piece(new TokenStream.Piece(completion.index(), text, Optional.of(token)));
    }

    @Override
    public boolean finished() {
        return completion.finished();
    }

    @Override
    void finish(FinishReason reason) {
        if (!completion.finished()) {
            String text = completion.finish(reason, Optional.empty());
            if (!text.isEmpty()) {
                group().piece(new TokenStream.Piece(completion.index(), text, Optional.empty()));
            }
        }
    }

    @Override
    void fail() {
        completion.fail();
    }

    @Override
    List<CompletionOutput> outputs() {
        return List.of(completion.output(OptionalDouble.empty()));
    }
}
