package io.jllm.grammar;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Rules by their names, and which of them describes a whole text. Immutable.
 *
 * @param rules in the order in which they were written
 * @param root one of them
 */
public record Grammar(Map<String, Expr> rules, String root) {
    public Grammar {
        rules = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(rules));
        if (!rules.containsKey(root)) {
            throw new IllegalArgumentException("the grammar has no rule named " + root);
        }
    }

    /** A grammar of one rule. */
    public static Grammar of(Expr root) {
        return new Grammar(Map.of("root", root), "root");
    }
}
