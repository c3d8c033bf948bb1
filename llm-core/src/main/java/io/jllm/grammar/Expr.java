package io.jllm.grammar;

import java.util.List;
import java.util.function.UnaryOperator;

/** What a rule of a grammar is made of: an expression for a set of texts. Immutable. */
public sealed interface Expr {
    /** The empty text. */
    Expr EMPTY = new Seq(List.of());
    /** No text at all. */
    Expr NOTHING = new Choice(List.of());

    /** One code point of a set. */
    record Chars(CodePoints set) implements Expr {
    }

    /** These characters. */
    record Text(String text) implements Expr {
    }

    /** One special token by its id, which has no text. */
    record Token(int id) implements Expr {
    }

    /** One after the other. */
    record Seq(List<Expr> parts) implements Expr {
        public Seq {
            parts = List.copyOf(parts);
        }
    }

    /** Any one of them; none if there are none. */
    record Choice(List<Expr> options) implements Expr {
        public Choice {
            options = List.copyOf(options);
        }
    }

    /**
     * The part so many times.
     *
     * @param least at least 0
     * @param most at least {@code least}, or {@link #UNLIMITED}
     */
    record Repeat(Expr part, int least, int most) implements Expr {
        public static final int UNLIMITED = Integer.MAX_VALUE;

        public Repeat {
            if (least < 0 || most < least) {
                throw new IllegalArgumentException("repetition {" + least + "," + most + "}: the bounds must be ordered and not negative");
            }
        }
    }

    /** Another rule of the grammar, or the same one again. */
    record Ref(String rule) implements Expr {
    }

    /**
     * Paths through a graph, from state 0 to an end.
     *
     * @param ends whether a path may end at each state
     */
    record Graph(List<Edge> edges, List<Boolean> ends) implements Expr {
        /** From a state to a state by a text of the label. */
        public record Edge(int from, Expr label, int to) {
        }

        public Graph {
            edges = List.copyOf(edges);
            ends = List.copyOf(ends);
        }
    }

    static Expr text(String text) {
        return new Text(text);
    }

    static Expr seq(Expr... parts) {
        return new Seq(List.of(parts));
    }

    static Expr choice(Expr... options) {
        return new Choice(List.of(options));
    }

    static Expr optional(Expr part) {
        return new Repeat(part, 0, 1);
    }

    static Expr many(Expr part) {
        return new Repeat(part, 0, Repeat.UNLIMITED);
    }

    /** The same with other names for the rules that it mentions. */
    default Expr renamed(UnaryOperator<String> names) {
        return switch (this) {
            case Chars _, Text _, Token _ -> this;
            case Seq s -> new Seq(s.parts.stream().map(p -> p.renamed(names)).toList());
            case Choice c -> new Choice(c.options.stream().map(o -> o.renamed(names)).toList());
            case Repeat r -> new Repeat(r.part.renamed(names), r.least, r.most);
            case Ref r -> new Ref(names.apply(r.rule));
            case Graph g -> new Graph(g.edges.stream().map(e -> new Graph.Edge(e.from, e.label.renamed(names), e.to)).toList(), g.ends);
        };
    }
}
