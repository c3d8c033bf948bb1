package io.jllm.jinja;

import io.jllm.jinja.syntax.Expr;
import io.jllm.jinja.syntax.Stmt;
import io.jllm.jinja.value.Arithmetic.Operator;
import io.jllm.jinja.value.Meter;
import io.jllm.jinja.value.Str;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * In which forms a chat template takes what there are several forms of: it is read for what it does with contents and arguments of calls, as vLLM
 * and llama.cpp do. Immutable.
 */
public final class TemplateTraits {
    private static final String CONTENT = "content";
    private static final String ARGUMENTS = "arguments";
    private static final Set<String> KIND_TESTS = Set.of("string", "mapping", "iterable", "sequence");

    private final Set<String> read = new HashSet<>();
    /** Variables that are set to the content of a message. */
    private final Set<String> contents = new HashSet<>(Set.of(CONTENT));
    private boolean loopsOverContent;
    private boolean asksKindOfContent;
    private boolean joinsArguments;
    private boolean treatsArguments;
    private int depth;

    private TemplateTraits() {
    }

    public static TemplateTraits of(Template template) {
        TemplateTraits traits = new TemplateTraits();
        traits.statements(template.statements());
        return traits;
    }

    /** Whether it reads an attribute or a key of this name. */
    public boolean reads(String name) {
        return read.contains(name);
    }

    /** Whether the content of a message must be a list of parts: the template goes through it, and knows of no other form. */
    public boolean wantsParts() {
        return loopsOverContent && !asksKindOfContent;
    }

    /** Whether the arguments of a call must be JSON text: the template puts them between strings, and knows of no other form. */
    public boolean wantsArgumentsAsText() {
        return joinsArguments && !treatsArguments;
    }

    private void statements(List<Stmt> statements) {
        statements.forEach(this::statement);
    }

    private void statement(Stmt statement) {
        switch (statement) {
            case Stmt.Text _, Stmt.Break _, Stmt.Continue _ -> { }
            case Stmt.Print p -> expression(p.expr());
            case Stmt.For f -> {
                loopsOverContent |= isContent(f.iterable());
                treatsArguments |= isNamed(f.iterable(), ARGUMENTS);
                expression(f.iterable());
                f.filter().ifPresent(this::expression);
                statements(f.body());
                statements(f.otherwise());
            }
            case Stmt.If i -> {
                i.branches().forEach(b -> {
                    expression(b.test());
                    statements(b.body());
                });
                statements(i.otherwise());
            }
            case Stmt.Assign a -> {
                if (a.target() instanceof Stmt.Target.Name name && isContent(a.value())) {
                    contents.add(name.name());
                }
                expression(a.value());
            }
            case Stmt.AssignBlock a -> {
                a.filters().forEach(f -> passed(f.passed()));
                statements(a.body());
            }
            case Stmt.DefineMacro d -> statements(d.macro().body());
            case Stmt.CallBlock c -> {
                expression(c.call());
                statements(c.caller().body());
            }
            case Stmt.FilterBlock f -> statements(f.body());
            case Stmt.With w -> {
                w.assignments().forEach(this::statement);
                statements(w.body());
            }
            case Stmt.Generation g -> statements(g.body());
        }
    }

    private void expression(Expr expr) {
        if (depth >= Meter.MAX_DEPTH) {
            return; // no rendering gets there
        }
        depth++;
        parts(expr);
        depth--;
    }

    private void parts(Expr expr) {
        switch (expr) {
            case Expr.Name _, Expr.Literal _ -> { }
            case Expr.Attribute a -> {
                read.add(a.name().text());
                treatsArguments |= isNamed(a.of(), ARGUMENTS);
                expression(a.of());
            }
            case Expr.Item i -> {
                name(i.key()).ifPresent(read::add);
                expression(i.of());
                expression(i.key());
            }
            case Expr.Slice s -> List.of(s.of(), s.start(), s.stop(), s.step()).forEach(this::expression);
            case Expr.Call c -> {
                expression(c.callee());
                passed(c.passed());
            }
            case Expr.Filter f -> {
                treatsArguments |= isNamed(f.of(), ARGUMENTS);
                expression(f.of());
                passed(f.call().passed());
            }
            case Expr.Test t -> {
                boolean kind = KIND_TESTS.contains(t.name());
                asksKindOfContent |= kind && isContent(t.of());
                treatsArguments |= kind && isNamed(t.of(), ARGUMENTS);
                expression(t.of());
                passed(t.passed());
            }
            case Expr.Not n -> expression(n.of());
            case Expr.Sign s -> expression(s.of());
            case Expr.Binary b -> {
                joinsArguments |= b.operator() == Operator.ADD && (isNamed(b.left(), ARGUMENTS) || isNamed(b.right(), ARGUMENTS));
                expression(b.left());
                expression(b.right());
            }
            case Expr.Concat c -> c.parts().forEach(this::expression);
            case Expr.Compare c -> {
                expression(c.first());
                c.others().forEach(o -> expression(o.expr()));
            }
            case Expr.And a -> List.of(a.left(), a.right()).forEach(this::expression);
            case Expr.Or o -> List.of(o.left(), o.right()).forEach(this::expression);
            case Expr.Conditional c -> {
                expression(c.test());
                expression(c.then());
                c.otherwise().ifPresent(this::expression);
            }
            case Expr.ListLiteral l -> l.items().forEach(this::expression);
            case Expr.TupleLiteral t -> t.items().forEach(this::expression);
            case Expr.DictLiteral d -> d.pairs().forEach(p -> {
                expression(p.key());
                expression(p.value());
            });
        }
    }

    private void passed(Expr.Passed passed) {
        passed.positional().forEach(this::expression);
        passed.named().forEach(k -> expression(k.value()));
        passed.list().ifPresent(this::expression);
        passed.dict().ifPresent(this::expression);
    }

    private boolean isContent(Expr expr) {
        return expr instanceof Expr.Name n ? contents.contains(n.name()) : isNamed(expr, CONTENT);
    }

    private static boolean isNamed(Expr expr, String name) {
        return switch (expr) {
            case Expr.Attribute a -> a.name().text().equals(name);
            case Expr.Item i -> name(i.key()).filter(name::equals).isPresent();
            default -> false;
        };
    }

    private static Optional<String> name(Expr key) {
        return key instanceof Expr.Literal(Str s, _) ? Optional.of(s.text()) : Optional.empty();
    }
}
