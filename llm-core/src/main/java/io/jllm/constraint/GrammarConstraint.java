package io.jllm.constraint;

import io.jllm.grammar.Expr;
import io.jllm.grammar.Grammar;
import io.jllm.grammar.automaton.Machine;
import io.jllm.grammar.automaton.State;
import io.jllm.grammar.gbnf.GbnfParser;
import io.jllm.grammar.json.SchemaCompiler;
import io.jllm.grammar.mask.Masks;
import io.jllm.grammar.regex.Regex;
import io.jllm.grammar.regex.RegexExpr;
import io.jllm.tokenizer.Tokenizer;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.WeakHashMap;

/** A constraint by a grammar, whichever way that was written. */
final class GrammarConstraint implements Constraint {
    private final Machine machine;
    private final Set<Integer> tokens;
    private final String text;
    private final Map<Tokenizer, Masks> masks = new WeakHashMap<>();

    GrammarConstraint(Grammar grammar, String text) {
        machine = new Machine(grammar);
        tokens = grammar.tokens();
        this.text = text;
    }

    static Constraint json() {
        return new GrammarConstraint(SchemaCompiler.anyValue(), "json");
    }

    static Constraint jsonObject() {
        return new GrammarConstraint(SchemaCompiler.anyObject(), "json object");
    }

    static Constraint jsonSchema(String schema) {
        return new GrammarConstraint(SchemaCompiler.compile(schema), "json schema " + schema);
    }

    static Constraint regex(String pattern) {
        return new GrammarConstraint(Grammar.of(RegexExpr.of(Regex.parse(pattern))), "regex " + pattern);
    }

    static Constraint gbnf(String grammar) {
        return new GrammarConstraint(GbnfParser.parse(grammar), "grammar " + grammar);
    }

    static Constraint choices(List<String> texts) {
        if (texts.isEmpty()) {
            throw new IllegalArgumentException("choices must have at least one text");
        }
        return new GrammarConstraint(Grammar.of(new Expr.Choice(texts.stream().map(Expr::text).toList())), "choices " + texts);
    }

    @Override
    public Mask start(Tokenizer tokenizer) {
        Masks ofTokenizer;
        synchronized (masks) {
            ofTokenizer = masks.computeIfAbsent(tokenizer, this::masks);
        }
        return new Mask(ofTokenizer, machine.start());
    }

    private Masks masks(Tokenizer tokenizer) {
        for (int id : tokens) {
            if (id >= tokenizer.vocabSize() || !tokenizer.isSpecial(id)) {
                throw new IllegalArgumentException("<[" + id + "]>: the vocabulary, of " + tokenizer.vocabSize()
                        + " tokens, has no special token of this id; write the text of an ordinary one in quotes");
            }
        }
        return new Masks(machine, tokenizer);
    }

    @Override
    public long bytes() {
        synchronized (masks) {
            return machine.bytes() + masks.values().stream().mapToLong(Masks::bytes).sum();
        }
    }

    @Override
    public boolean accepts(String whole) {
        return machine.matches(whole);
    }

    /** Where a text has got to. */
    record Mask(Masks masks, State state) implements TokenMask {
        @Override
        public void allowed(long[] bits) {
            masks.fill(state, bits);
        }

        @Override
        public void allowed(long[] bits, int left) {
            masks.fill(state, left, bits);
        }

        @Override
        public int fewest() {
            return masks.fewest(state);
        }

        @Override
        public OptionalInt only() {
            return state.mayEnd() ? OptionalInt.empty() : masks.only(state);
        }

        @Override
        public boolean mayEnd() {
            return state.mayEnd();
        }

        @Override
        public boolean mayGoOn() {
            return !state.last();
        }

        /** Whether a token may come next. */
        boolean allows(int token) {
            return !masks.after(state, token).dead();
        }

        @Override
        public Mask after(int token) {
            State next = masks.after(state, token);
            if (next.dead()) {
                throw new IllegalArgumentException("token " + token + " is not allowed here by the constraint");
            }
            return new Mask(masks, next);
        }
    }

    @Override
    public String toString() {
        return text.length() <= 200 ? text : text.substring(0, 200) + "...";
    }
}
