package io.jllm.grammar.automaton;

import io.jllm.grammar.Expr;
import io.jllm.grammar.Grammar;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Turns the expressions of a grammar's rules into automata. Small rules that do not recur are written out where they are used; long
 * repetitions become rules that count.
 */
final class RuleBuilder {
    /** Most states of a rule that is written out at each use. */
    private static final int INLINE = 24;
    /** Most states that a repetition is written out to. */
    private static final int WRITTEN_OUT = 200;
    /** Most states of all rules together. */
    static final int MAX_STATES = 200_000;
    /** Deepest nesting of expressions. */
    private static final int MAX_DEPTH = 400;

    private final Grammar grammar;
    private final Map<String, Integer> numbers = new HashMap<>();
    private final List<String> names = new ArrayList<>();
    private final Map<String, Integer> sizes = new HashMap<>();
    private final Map<Expr, Integer> counted = new IdentityHashMap<>();
    private final List<Rule> rules = new ArrayList<>();
    private int states;
    private int depth;

    /** A rule: an automaton, or a part that is repeated, between the two bounds. */
    sealed interface Rule {
        String name();

        record Automaton(String name, Nfa nfa) implements Rule {
        }

        record Counted(String name, int part, int least, int most) implements Rule {
        }
    }

    RuleBuilder(Grammar grammar) {
        this.grammar = grammar;
    }

    /** All rules that the root needs, which comes first. */
    List<Rule> build() {
        number(grammar.root());
        for (int i = 0; i < rules.size(); i++) {
            if (rules.get(i) == null) {
                String name = names.get(i);
                rules.set(i, new Rule.Automaton(name, automaton(grammar.rules().get(name))));
            }
        }
        return rules;
    }

    private int number(String rule) {
        Integer known = numbers.get(rule);
        if (known == null) {
            known = rules.size();
            numbers.put(rule, known);
            rules.add(null);
            names.add(rule);
        }
        return known;
    }

    private Nfa automaton(Expr expr) {
        var nfa = new Nfa();
        nfa.end(nfa.add());
        nfa.free(add(nfa, 0, expr), nfa.end());
        states += nfa.size();
        if (states > MAX_STATES) {
            throw new IllegalArgumentException("the grammar is too large: its rules need more than " + MAX_STATES
                    + " states; make its repetitions, patterns or lists of values smaller");
        }
        return nfa;
    }

    /** Adds ways by an expression; returns where they lead. */
    private int add(Nfa nfa, int from, Expr expr) {
        if (++depth > MAX_DEPTH) {
            throw new IllegalArgumentException("the grammar nests its groups deeper than " + MAX_DEPTH + "; name inner parts as rules");
        }
        if (states + nfa.size() > MAX_STATES) {
            throw new IllegalArgumentException("the grammar is too large: a rule needs more than " + MAX_STATES + " states");
        }
        int to = switch (expr) {
            case Expr.Chars c -> {
                int next = nfa.add();
                nfa.chars(from, c.set(), next);
                yield next;
            }
            case Expr.Text t -> nfa.literal(from, t.text());
            case Expr.Token t -> nfa.literal(from, TokenBytes.of(t.id()));
            case Expr.Seq s -> {
                int at = from;
                for (Expr part : s.parts()) {
                    at = add(nfa, at, part);
                }
                yield at;
            }
            case Expr.Choice c -> {
                int next = nfa.add();
                for (Expr option : c.options()) {
                    nfa.free(add(nfa, from, option), next);
                }
                yield next;
            }
            case Expr.Repeat r -> repeat(nfa, from, r);
            case Expr.Ref r -> reference(nfa, from, r.rule());
            case Expr.Graph g -> graph(nfa, from, g);
        };
        depth--;
        return to;
    }

    private int reference(Nfa nfa, int from, String rule) {
        if (size(rule) <= INLINE) {
            return add(nfa, from, rule(rule));
        }
        int next = nfa.add();
        nfa.call(from, number(rule), next);
        return next;
    }

    private Expr rule(String name) {
        Expr expr = grammar.rules().get(name);
        if (expr == null) {
            throw new IllegalArgumentException("the grammar has no rule named " + name + ", which another rule mentions");
        }
        return expr;
    }

    private int graph(Nfa nfa, int from, Expr.Graph graph) {
        int[] at = new int[graph.ends().size()];
        int end = nfa.add();
        for (int i = 0; i < at.length; i++) {
            at[i] = nfa.add();
            if (graph.ends().get(i)) {
                nfa.free(at[i], end);
            }
        }
        nfa.free(from, at[0]);
        for (Expr.Graph.Edge e : graph.edges()) {
            nfa.free(add(nfa, at[e.from()], e.label()), at[e.to()]);
        }
        return end;
    }

    private int repeat(Nfa nfa, int from, Expr.Repeat r) {
        if (!writtenOut(r)) {
            int next = nfa.add();
            nfa.call(from, counter(r), next);
            return next;
        }
        int at = from;
        for (int i = 0; i < r.least(); i++) {
            at = add(nfa, at, r.part());
        }
        int end = nfa.add();
        if (r.most() == Expr.Repeat.UNLIMITED) {
            // A state of its own, for the one before may have other ways out.
            int loop = nfa.add();
            nfa.free(at, loop);
            nfa.free(add(nfa, loop, r.part()), loop);
            nfa.free(loop, end);
            return end;
        }
        nfa.free(at, end);
        for (int i = r.least(); i < r.most(); i++) {
            at = add(nfa, at, r.part());
            nfa.free(at, end);
        }
        return end;
    }

    private int counter(Expr.Repeat r) {
        Integer known = counted.get(r);
        if (known == null) {
            Nfa part = automaton(r.part());
            int number = add(new Rule.Automaton("part of a repetition", part));
            known = add(new Rule.Counted("repetition", number, r.least(), r.most()));
            counted.put(r, known);
        }
        return known;
    }

    private int add(Rule rule) {
        rules.add(rule);
        names.add(rule.name());
        return rules.size() - 1;
    }

    private boolean writtenOut(Expr.Repeat r) {
        long copies = r.most() == Expr.Repeat.UNLIMITED ? r.least() + 1L : r.most();
        return copies <= 1 || copies * size(r.part()) <= WRITTEN_OUT;
    }

    /** About how many states a rule needs where it is used: more than can be written out where it recurs. */
    private int size(String rule) {
        Integer known = sizes.get(rule);
        if (known == null) {
            // While it is looked at it counts as too large, so that in every circle of rules one is called.
            sizes.put(rule, INLINE + 1);
            known = size(rule(rule));
            sizes.put(rule, known);
        }
        return known;
    }

    private int size(Expr expr) {
        if (++depth > MAX_DEPTH) {
            depth--;
            return INLINE + 1;
        }
        long size = switch (expr) {
            case Expr.Chars c -> 3L * c.set().ranges();
            case Expr.Text t -> t.text().length();
            case Expr.Token _ -> TokenBytes.LENGTH;
            case Expr.Seq s -> 1L + s.parts().stream().mapToLong(this::size).sum();
            case Expr.Choice c -> 1L + c.options().stream().mapToLong(this::size).sum();
            case Expr.Repeat r -> writtenOut(r) ? 1L + size(r.part()) * (r.most() == Expr.Repeat.UNLIMITED ? r.least() + 1L : r.most()) : 2;
            case Expr.Ref r -> {
                boolean looking = sizes.getOrDefault(r.rule(), 0) == INLINE + 1;
                int ofRule = size(r.rule());
                yield looking || ofRule <= INLINE ? ofRule : 2;
            }
            case Expr.Graph g -> g.ends().size() + g.edges().stream().mapToLong(e -> size(e.label())).sum();
        };
        depth--;
        return (int) Math.min(size, MAX_STATES);
    }
}
