package io.jllm.grammar.regex;

import io.jllm.grammar.Expr;

/** Regular expressions as expressions of a grammar, where the whole text must match. */
public final class RegexExpr {
    private RegexExpr() {
    }

    /**
     * An expression for the whole of a text. Repetitions stay what they are, so that no count makes it large.
     *
     * @throws IllegalArgumentException if it has ^ where something comes before, or $ where something follows: these cannot match
     */
    public static Expr of(Regex regex) {
        return of(regex, true, true);
    }

    private static Expr of(Regex regex, boolean first, boolean last) {
        return switch (regex) {
            case Regex.Chars c -> new Expr.Chars(c.set());
            case Regex.Seq s -> {
                var parts = new java.util.ArrayList<Expr>();
                for (int i = 0; i < s.parts().size(); i++) {
                    boolean begins = s.parts().subList(0, i).stream().allMatch(p -> p instanceof Regex.Begin);
                    boolean ends = s.parts().subList(i + 1, s.parts().size()).stream().allMatch(p -> p instanceof Regex.End);
                    parts.add(of(s.parts().get(i), first && begins, last && ends));
                }
                yield new Expr.Seq(parts);
            }
            case Regex.Choice c -> new Expr.Choice(c.options().stream().map(o -> of(o, first, last)).toList());
            case Regex.Repeat r -> new Expr.Repeat(of(r.part(), first && r.most() == 1, last && r.most() == 1), r.least(), r.most());
            case Regex.Begin _ when first -> Expr.EMPTY;
            case Regex.End _ when last -> Expr.EMPTY;
            case Regex.Begin _, Regex.End _ -> throw new IllegalArgumentException("regular expression: ^ is supported at the begin only, and $"
                    + " at the end: the whole text must match in any case, so leave them out");
        };
    }
}
