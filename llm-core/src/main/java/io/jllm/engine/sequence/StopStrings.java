package io.jllm.engine.sequence;

import io.jllm.tokenizer.Tokenizer;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A request's stop strings. Those that hold a special token as the vocabulary writes it are looked for in the text with special tokens
 * written out; all others in the text itself, which special tokens are no part of.
 *
 * @param plain those without a special token
 * @param special those with one
 * @param tokenizer how tokens are written; there if any are special
 */
public record StopStrings(List<String> plain, List<String> special, Optional<Tokenizer> tokenizer) {
    public static final StopStrings NONE = new StopStrings(List.of(), List.of(), Optional.empty());

    /**
     * The stop strings of a request.
     *
     * @param specialTokens the special tokens of the vocabulary, as it writes them
     */
    public static StopStrings of(List<String> stops, Tokenizer tokenizer, List<String> specialTokens) {
        var parts = stops.stream().collect(Collectors.partitioningBy(stop -> specialTokens.stream().anyMatch(stop::contains)));
        return new StopStrings(parts.get(false), parts.get(true), Optional.of(tokenizer));
    }

    /** The special tokens of a vocabulary, as it writes them. */
    public static List<String> specialTokens(Tokenizer tokenizer) {
        return IntStream.range(0, tokenizer.vocabSize()).filter(tokenizer::isSpecial).mapToObj(tokenizer::token).filter(t -> !t.isEmpty())
                .toList();
    }

    boolean isEmpty() {
        return plain.isEmpty() && special.isEmpty();
    }

    /** How a special token is written; empty for any other, and where no stop string has one. */
    String written(int token) {
        if (special.isEmpty()) {
            return "";
        }
        return tokenizer.filter(t -> token < t.vocabSize() && t.isSpecial(token)).map(t -> t.token(token)).orElse("");
    }
}
