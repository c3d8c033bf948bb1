package io.jllm.constraint;

import io.jllm.constraint.calls.SpecialTokens;
import io.jllm.grammar.Grammar;
import io.jllm.tokenizer.Tokenizer;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.function.Function;

/** A constraint by a grammar that asks for special tokens, and so is another for each vocabulary. Thread-safe. */
final class PerTokenizer {
    private final Function<SpecialTokens, Grammar> grammar;
    private final String text;
    private final Map<Tokenizer, GrammarConstraint> made = new WeakHashMap<>();

    PerTokenizer(Function<SpecialTokens, Grammar> grammar, String text) {
        this.grammar = grammar;
        this.text = text;
    }

    GrammarConstraint.Mask start(Tokenizer tokenizer) {
        GrammarConstraint constraint;
        synchronized (made) {
            constraint = made.computeIfAbsent(tokenizer, t -> new GrammarConstraint(grammar.apply(SpecialTokens.of(t)), text));
        }
        return constraint.start(tokenizer);
    }

    long bytes() {
        synchronized (made) {
            return made.values().stream().mapToLong(GrammarConstraint::bytes).sum();
        }
    }

    boolean accepts(String whole) {
        return new GrammarConstraint(grammar.apply(SpecialTokens.none()), text).accepts(whole);
    }

    @Override
    public String toString() {
        return text;
    }
}
