package io.jllm.grammar;

import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

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

    /** The special tokens that its rules ask for, by their ids. */
    public Set<Integer> tokens() {
        var found = new TreeSet<Integer>();
        var left = new ArrayDeque<>(rules.values());
        while (!left.isEmpty()) {
            switch (left.pop()) {
                case Expr.Token t -> found.add(t.id());
                case Expr.Seq s -> left.addAll(s.parts());
                case Expr.Choice c -> left.addAll(c.options());
                case Expr.Repeat r -> left.add(r.part());
                case Expr.Graph g -> g.edges().forEach(e -> left.add(e.label()));
                case Expr.Chars _, Expr.Text _, Expr.Ref _ -> {
                    // no token in these
                }
            }
        }
        return found;
    }
}
