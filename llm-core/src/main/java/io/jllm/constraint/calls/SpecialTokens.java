package io.jllm.constraint.calls;

import io.jllm.grammar.Expr;
import io.jllm.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** The special tokens of a vocabulary by their texts: they have no bytes, so that a grammar must ask for their ids. Immutable. */
public final class SpecialTokens {
    private static final int SHORTEST = 2;

    private final Map<String, Integer> ids = new HashMap<>();
    private final int longest;

    private SpecialTokens(Map<String, Integer> ids) {
        this.ids.putAll(ids);
        longest = ids.keySet().stream().mapToInt(String::length).max().orElse(0);
    }

    /** Those of a tokenizer. */
    public static SpecialTokens of(Tokenizer tokenizer) {
        Map<String, Integer> found = new HashMap<>();
        for (int id = 0; id < tokenizer.vocabSize(); id++) {
            if (tokenizer.isSpecial(id)) {
                found.putIfAbsent(tokenizer.token(id), id);
            }
        }
        return new SpecialTokens(found);
    }

    /** None: for texts that are whole and have no tokens. */
    public static SpecialTokens none() {
        return new SpecialTokens(Map.of());
    }

    /** The ids of all of them, lowest first. */
    Set<Integer> ids() {
        return new TreeSet<>(ids.values());
    }

    /** What a text is made of: code points, and special tokens as the complement ({@code ~}) of their ids. */
    List<Integer> symbols(String text) {
        List<Integer> symbols = new ArrayList<>();
        for (int at = 0; at < text.length();) {
            int length = Math.min(longest, text.length() - at);
            while (length >= SHORTEST && !ids.containsKey(text.substring(at, at + length))) {
                length--;
            }
            if (length >= SHORTEST) {
                symbols.add(~ids.get(text.substring(at, at + length)));
                at += length;
            } else {
                symbols.add(text.codePointAt(at));
                at += Character.charCount(text.codePointAt(at));
            }
        }
        return symbols;
    }

    /** A text of a format's syntax, with its special tokens where the vocabulary has them. */
    Expr text(String text) {
        List<Expr> parts = new ArrayList<>();
        var plain = new StringBuilder();
        for (int symbol : symbols(text)) {
            if (symbol >= 0) {
                plain.appendCodePoint(symbol);
            } else {
                addText(plain, parts);
                parts.add(new Expr.Token(~symbol));
            }
        }
        addText(plain, parts);
        return new Expr.Seq(parts);
    }

    private static void addText(StringBuilder plain, List<Expr> parts) {
        if (!plain.isEmpty()) {
            parts.add(Expr.text(plain.toString()));
            plain.setLength(0);
        }
    }
}
