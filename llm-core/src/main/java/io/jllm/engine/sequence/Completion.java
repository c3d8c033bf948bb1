package io.jllm.engine.sequence;

import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.StopReason;
import io.jllm.TokenLogprobs;
import io.jllm.tokenizer.StreamingDetokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/** What one sequence has said: its tokens as text, where it stops, and its log-probabilities. */
public final class Completion {
    private final int index;
    private final SequenceSettings settings;
    private final StreamingDetokenizer detokenizer;
    private final StopStrings stopStrings;
    private final StopChecker stops;
    private final StringBuilder text = new StringBuilder();
    private final List<TokenLogprobs> logprobs = new ArrayList<>();
    private double cumulativeLogprob;
    private FinishReason finishReason;
    private Optional<StopReason> stopReason = Optional.empty();

    public Completion(int index, SequenceSettings settings, StreamingDetokenizer detokenizer, StopStrings stopStrings) {
        this.index = index;
        this.settings = settings;
        this.detokenizer = detokenizer;
        this.stopStrings = stopStrings;
        stops = new StopChecker(stopStrings);
    }

    int index() {
        return index;
    }

    /**
     * Adds a token; returns the text that it lets out. {@link #finished} tells whether it was the last.
     *
     * @param whole whether a constraint lets nothing follow
     */
    String accept(TokenLogprobs token, boolean whole) {
        logprobs.add(token);
        cumulativeLogprob += token.logprob();
        boolean ends = settings.ends(token.id());
        String out = add(ends ? detokenizer.finish() : detokenizer.push(token.id()), stopStrings.written(token.id()));
        if (stops.matched() != null) {
            end(FinishReason.STOP, Optional.of(new StopReason.Text(stops.matched())));
        } else if (ends) {
            out += finish(FinishReason.STOP, Optional.of(new StopReason.Token(token.id())));
        } else if (whole) {
            out += finish(FinishReason.STOP, Optional.empty());
        } else if (logprobs.size() >= settings.maxTokens()) {
            out += finish(FinishReason.LENGTH, Optional.empty());
        }
        return out;
    }

    /** Adds text, and a special token after it as it is written; returns the text that this lets out. */
    private String add(String more, String special) {
        String out = stops.push(more, special, logprobs.size() > settings.minTokens());
        text.append(out);
        return out;
    }

    /** Ends it; returns the text that was held back. */
    String finish(FinishReason reason, Optional<StopReason> why) {
        String out = add(detokenizer.finish(), "");
        boolean stopped = stops.matched() != null;
        String rest = stops.finish();
        text.append(rest);
        end(stopped ? FinishReason.STOP : reason, stopped ? Optional.of(new StopReason.Text(stops.matched())) : why);
        return out + rest;
    }

    /** Ends it because of an error, with what there is. */
    void fail() {
        end(FinishReason.ERROR, Optional.empty());
    }

    private void end(FinishReason reason, Optional<StopReason> why) {
        finishReason = reason;
        stopReason = why;
    }

    boolean finished() {
        return finishReason != null;
    }

    /** The result, with its score if it is that of a beam; only once it is finished. */
    CompletionOutput output(OptionalDouble score) {
        int[] ids = logprobs.stream().mapToInt(TokenLogprobs::id).toArray();
        return new CompletionOutput(index, text.toString(), ids, List.copyOf(logprobs), cumulativeLogprob, score, finishReason, stopReason);
    }

    /** An output that ended before there was anything. */
    static CompletionOutput empty(FinishReason reason) {
        return new CompletionOutput(0, "", new int[0], List.of(), 0, OptionalDouble.empty(), reason, Optional.empty());
    }
}
