package io.jllm.examples.cli.soak;

import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.RequestOutput;
import io.jllm.StopReason;
import io.jllm.TokenLogprobs;
import io.jllm.TokenStream.Piece;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Compares answers with those to the same questions alone: equal to the last bit where the request ended well, the beginning of
 * it where it was cut short, and cut short or failed only where the caller had it so.
 */
final class Checker {
    private Checker() {
    }

    /** What is wrong with an answer, if anything is. */
    static Optional<String> problem(Answer answer, RequestOutput alone) {
        if (answer.output().isEmpty()) {
            return Optional.empty(); // it was interrupted: there is nothing to look at
        }
        RequestOutput output = answer.output().get();
        Turn turn = answer.turn();
        Optional<String> problem = switch (turn.manner()) {
            case NONSENSE -> refused(output);
            case FAIL -> output.error().isPresent() ? failed(output, turn, alone) : survived(output, turn, alone);
            case CLOSE_STREAM, FAIL_READING, CANCEL, CANCEL_FUTURE, INTERRUPT, TIMEOUT ->
                    cutShort(output) || turn.question().searched() && cutSearch(output, alone)
                            ? beginning(output, turn, alone) : equal(output, alone);
            case GENERATE, SUBMIT, ASYNC, STREAM, SLOW_STREAM, SUBSCRIBE -> equal(output, alone);
        };
        return problem.or(() -> reading(answer, output));
    }

    private static int longest(RequestOutput output) {
        return output.outputs().stream().mapToInt(o -> o.tokenIds().length).max().orElse(0);
    }

    private static boolean cutShort(RequestOutput output) {
        return output.outputs().stream().anyMatch(o -> o.finishReason() == FinishReason.CANCELLED);
    }

    /** A search that is cancelled may have finished texts enough, only not the best ones yet: nothing of it looks cut short then. */
    private static boolean cutSearch(RequestOutput output, RequestOutput alone) {
        return output.error().isEmpty() && output.outputs().getFirst().score().isPresent()
                && output.outputs().getFirst().score().getAsDouble() <= alone.outputs().getFirst().score().getAsDouble();
    }

    private static Optional<String> refused(RequestOutput output) {
        return output.error().filter(IllegalArgumentException.class::isInstance).isPresent() ? Optional.empty()
                : Optional.of("nonsense was not refused, but gave " + output.error());
    }

    /** A search may have computed more tokens than its texts have. */
    private static Optional<String> failed(RequestOutput output, Turn turn, RequestOutput alone) {
        if (output.error().filter(e -> e instanceof LogitsProcessors.Trouble t && t.request() == turn.number()).isEmpty()) {
            return Optional.of("its own processor was made to fail, but it says " + output.error());
        }
        if (!turn.question().searched() && turn.amount() >= longest(alone)) {
            return Optional.of("its processor failed at token " + turn.amount() + ", but alone it has no more than " + longest(alone));
        }
        if (turn.question().alone() && output.outputs().getFirst().tokenIds().length != Math.max(0, turn.amount())) {
            return Optional.of("its processor failed at token " + turn.amount() + ", but it has "
                    + output.outputs().getFirst().tokenIds().length);
        }
        return output.outputs().stream().anyMatch(o -> o.finishReason() == FinishReason.ERROR) ? beginning(output, turn, alone)
                : Optional.of("it failed, but no output says so");
    }

    private static Optional<String> survived(RequestOutput output, Turn turn, RequestOutput alone) {
        return turn.amount() < longest(alone) ? Optional.of("its processor failed at token " + turn.amount() + ", but it has no error")
                : equal(output, alone);
    }

    /** Outputs that were cut short must be beginnings, others whole. A search that is cut short has other texts in hand. */
    private static Optional<String> beginning(RequestOutput output, Turn turn, RequestOutput alone) {
        if (turn.question().searched()) {
            return output.outputs().stream().allMatch(o -> o.logprobs().size() == o.tokenIds().length) ? Optional.empty()
                    : Optional.of("it has other numbers of tokens than of log-probabilities");
        }
        if (output.outputs().size() > alone.outputs().size()) {
            return Optional.of(output.outputs().size() + " outputs of " + alone.outputs().size());
        }
        for (int i = 0; i < output.outputs().size(); i++) {
            CompletionOutput cut = output.outputs().get(i);
            CompletionOutput whole = alone.outputs().get(i);
            boolean ended = cut.finishReason() == FinishReason.STOP || cut.finishReason() == FinishReason.LENGTH;
            Optional<String> problem = ended ? equal(cut, whole) : beginning(cut, whole);
            if (problem.isPresent()) {
                return problem;
            }
        }
        return Optional.empty();
    }

    private static Optional<String> beginning(CompletionOutput cut, CompletionOutput whole) {
        int length = cut.tokenIds().length;
        if (length > whole.tokenIds().length || !Arrays.equals(cut.tokenIds(), Arrays.copyOf(whole.tokenIds(), length))) {
            return Optional.of("cut short, it has tokens " + Arrays.toString(cut.tokenIds()) + ", and alone "
                    + Arrays.toString(whole.tokenIds()));
        }
        // Text that might have become a stop string is given out at the end, and a character of several bytes may be cut in two.
        String text = cut.text().replaceAll("\uFFFD+$", "");
        String stop = whole.stopReason().filter(StopReason.Text.class::isInstance).map(r -> ((StopReason.Text) r).text()).orElse("");
        if (!(whole.text() + stop).startsWith(text)) {
            return Optional.of("cut short, its text is \"" + text + "\", and alone \"" + whole.text() + "\"");
        }
        return logprobs(cut.logprobs(), whole.logprobs().subList(0, length));
    }

    private static Optional<String> equal(RequestOutput output, RequestOutput alone) {
        if (!output.error().map(Throwable::getMessage).equals(alone.error().map(Throwable::getMessage))) {
            return Optional.of("error " + output.error() + ", and alone " + alone.error());
        }
        if (output.outputs().size() != alone.outputs().size()) {
            return Optional.of(output.outputs().size() + " outputs, and alone " + alone.outputs().size());
        }
        for (int i = 0; i < output.outputs().size(); i++) {
            Optional<String> problem = equal(output.outputs().get(i), alone.outputs().get(i));
            if (problem.isPresent()) {
                return problem;
            }
        }
        return logprobs(output.promptLogprobs(), alone.promptLogprobs()).map(p -> "in the prompt, " + p);
    }

    private static Optional<String> equal(CompletionOutput a, CompletionOutput alone) {
        if (!Arrays.equals(a.tokenIds(), alone.tokenIds())) {
            return Optional.of("tokens " + Arrays.toString(a.tokenIds()) + ", and alone " + Arrays.toString(alone.tokenIds()));
        }
        if (!a.text().equals(alone.text()) || a.finishReason() != alone.finishReason() || !a.stopReason().equals(alone.stopReason())) {
            return Optional.of(ending(a) + ", and alone " + ending(alone));
        }
        if (!a.score().equals(alone.score())
                || Double.doubleToRawLongBits(a.cumulativeLogprob()) != Double.doubleToRawLongBits(alone.cumulativeLogprob())) {
            return Optional.of("score " + a.score() + " of " + a.cumulativeLogprob() + ", and alone " + alone.score() + " of "
                    + alone.cumulativeLogprob());
        }
        return logprobs(a.logprobs(), alone.logprobs());
    }

    private static String ending(CompletionOutput o) {
        return "\"" + o.text() + "\" ended by " + o.finishReason() + o.stopReason().map(r -> " " + r).orElse("");
    }

    private static Optional<String> logprobs(List<TokenLogprobs> a, List<TokenLogprobs> alone) {
        if (a.size() != alone.size()) {
            return Optional.of(a.size() + " log-probabilities, and alone " + alone.size());
        }
        for (int i = 0; i < a.size(); i++) {
            TokenLogprobs x = a.get(i);
            TokenLogprobs y = alone.get(i);
            if (x.id() != y.id() || Float.floatToRawIntBits(x.logprob()) != Float.floatToRawIntBits(y.logprob())
                    || !Arrays.equals(x.topIds(), y.topIds()) || !Arrays.equals(x.topLogprobs(), y.topLogprobs())) {
                return Optional.of("log-probability " + i + " is " + show(x) + ", and alone " + show(y));
            }
        }
        return Optional.empty();
    }

    private static String show(TokenLogprobs l) {
        return l.id() + ": " + l.logprob() + " of " + Arrays.toString(l.topIds()) + Arrays.toString(l.topLogprobs());
    }

    /** Whether what was read is what the result says. */
    private static Optional<String> reading(Answer answer, RequestOutput output) {
        for (CompletionOutput o : output.outputs()) {
            List<Piece> own = answer.pieces().stream().filter(p -> p.index() == o.index()).toList();
            String text = String.join("", own.stream().map(Piece::text).toList());
            int[] ids = own.stream().mapToInt(Piece::tokenId).filter(id -> id >= 0).toArray();
            boolean good = answer.readAll() ? text.equals(o.text()) && Arrays.equals(ids, o.tokenIds())
                    : o.text().startsWith(text) && ids.length <= o.tokenIds().length
                            && Arrays.equals(ids, Arrays.copyOf(o.tokenIds(), ids.length));
            if (!good) {
                return Optional.of("read \"" + text + "\" " + Arrays.toString(ids) + " of \"" + o.text() + "\" "
                        + Arrays.toString(o.tokenIds()));
            }
        }
        return Optional.empty();
    }
}
