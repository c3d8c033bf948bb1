package io.jllm.constraint;

import io.jllm.constraint.calls.CallGrammar;
import io.jllm.tokenizer.Tokenizer;

/** Calls of tools whose arguments obey the tools' schemas. */
final class ToolCallConstraint implements Constraint {
    private final PerTokenizer grammars;

    ToolCallConstraint(CallGrammar grammar, String text) {
        grammars = new PerTokenizer(grammar::of, text);
    }

    @Override
    public TokenMask start(Tokenizer tokenizer) {
        return grammars.start(tokenizer);
    }

    @Override
    public long bytes() {
        return grammars.bytes();
    }

    @Override
    public boolean accepts(String text) {
        return grammars.accepts(text);
    }

    @Override
    public String toString() {
        return grammars.toString();
    }
}
