package io.jllm.jinja;

import io.jllm.jinja.syntax.Expr;
import io.jllm.jinja.syntax.Stmt;
import io.jllm.jinja.syntax.Stmt.Target;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Kinds;
import io.jllm.jinja.value.Meter;
import io.jllm.jinja.value.Namespace;
import io.jllm.jinja.value.Printing;
import io.jllm.jinja.value.TextBuilder;
import io.jllm.jinja.value.Value;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;

/** Runs statements of one rendering. Not thread-safe. */
final class Executor {
    private static final String LOOP = "loop";
    /** The length of a loop that has a filter. */
    private static final int UNKNOWN = -1;

    private final Evaluator evaluator;
    private final Meter meter;

    /** What is done after a statement. */
    private enum Flow {
        ON, BREAK, CONTINUE
    }

    Executor(Evaluator evaluator) {
        this.evaluator = evaluator;
        this.meter = evaluator.meter();
    }

    Evaluator evaluator() {
        return evaluator;
    }

    /** Runs statements that no loop is around. */
    void run(List<Stmt> statements, Scope scope, TextBuilder out) {
        all(statements, scope, out);
    }

    private Flow all(List<Stmt> statements, Scope scope, TextBuilder out) {
        meter.enter();
        Flow flow = Flow.ON;
        for (int i = 0; i < statements.size() && flow == Flow.ON; i++) {
            flow = one(statements.get(i), scope, out);
        }
        meter.leave();
        return flow;
    }

    private Flow one(Stmt statement, Scope scope, TextBuilder out) {
        meter.step();
        switch (statement) {
            case Stmt.Text t -> out.add(t.text());
            case Stmt.Print p -> Printing.write(evaluator.eval(p.expr(), scope), out, meter);
            case Stmt.If i -> {
                return condition(i, scope, out);
            }
            case Stmt.For f -> {
                Value items = evaluator.eval(f.iterable(), scope);
                evaluator.at(f.line());
                return loop(f, items, 0, scope, out);
            }
            case Stmt.Assign a -> assign(a, scope, scope);
            case Stmt.AssignBlock a -> assign(a.target(), filtered(a.filters(), block(a.body(), scope), scope), scope);
            case Stmt.DefineMacro d -> scope.set(d.macro().name(), new Macro(d.macro(), scope, this));
            case Stmt.CallBlock c -> Printing.write(evaluator.call(c.call(), scope, Map.of(Macro.CALLER, new Macro(c.caller(), scope, this))), out,
                    meter);
            case Stmt.FilterBlock f -> Printing.write(filtered(f.filters(), block(f.body(), scope), scope), out, meter);
            case Stmt.With w -> {
                Scope inner = new Scope(scope);
                w.assignments().forEach(a -> assign(a, scope, inner));
                return all(w.body(), inner, out);
            }
            case Stmt.Generation g -> all(g.body(), new Scope(scope), out);
            case Stmt.Break _ -> {
                return Flow.BREAK;
            }
            case Stmt.Continue _ -> {
                return Flow.CONTINUE;
            }
        }
        return Flow.ON;
    }

    private Flow condition(Stmt.If statement, Scope scope, TextBuilder out) {
        for (Stmt.If.Branch branch : statement.branches()) {
            if (Kinds.truth(evaluator.eval(branch.test(), scope))) {
                return all(branch.body(), scope, out);
            }
        }
        return all(statement.otherwise(), scope, out);
    }

    private Value block(List<Stmt> body, Scope scope) {
        TextBuilder text = new TextBuilder(meter);
        all(body, new Scope(scope), text);
        return text.build();
    }

    private Value filtered(List<Expr.FilterCall> filters, Value value, Scope scope) {
        Value result = value;
        for (Expr.FilterCall filter : filters) {
            result = evaluator.filter(filter, result, scope);
        }
        return result;
    }

    /** @return whether a loop around this one ends, or goes on, by what stands in its else branch */
    private Flow loop(Stmt.For f, Value iterable, int depth, Scope scope, TextBuilder out) {
        List<Value> list = Kinds.items(iterable, meter);
        Iterator<Value> items = f.filter().isEmpty() ? items(list) : accepted(f, items(list), scope);
        Loop loop = new Loop(items, f.filter().isEmpty() ? list.size() : UNKNOWN, depth, more -> recurse(f, more, depth, scope));
        boolean completed = false;
        for (Optional<Value> item = loop.next(); item.isPresent(); item = loop.next()) {
            meter.step();
            Scope inner = new Scope(scope);
            inner.set(LOOP, loop);
            assign(f.target(), item.get(), inner);
            Flow flow = all(f.body(), inner, out);
            if (flow == Flow.BREAK) {
                break;
            }
            completed |= flow == Flow.ON;
        }
        return completed ? Flow.ON : all(f.otherwise(), scope, out);
    }

    private Value recurse(Stmt.For f, Value items, int depth, Scope scope) {
        if (!f.recursive()) {
            throw new JinjaException("The loop must have the 'recursive' marker to be called recursively.");
        }
        TextBuilder out = new TextBuilder(meter);
        meter.enter();
        loop(f, items, depth + 1, scope, out);
        meter.leave();
        return out.build();
    }

    /** A list is gone through as it is at each moment: the body may add to it. */
    private static Iterator<Value> items(List<Value> items) {
        return new Iterator<>() {
            private int next;

            @Override
            public boolean hasNext() {
                return next < items.size();
            }

            @Override
            public Value next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                return items.get(next++);
            }
        };
    }

    private Iterator<Value> accepted(Stmt.For f, Iterator<Value> items, Scope scope) {
        return new Iterator<>() {
            private Optional<Value> found = Optional.empty();

            @Override
            public boolean hasNext() {
                while (found.isEmpty() && items.hasNext()) {
                    Value item = items.next();
                    Scope inner = new Scope(scope);
                    assign(f.target(), item, inner);
                    found = Kinds.truth(evaluator.eval(f.filter().orElseThrow(), inner)) ? Optional.of(item) : Optional.empty();
                }
                return found.isPresent();
            }

            @Override
            public Value next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                Value item = found.orElseThrow();
                found = Optional.empty();
                return item;
            }
        };
    }

    private void assign(Stmt.Assign a, Scope from, Scope to) {
        Value value = evaluator.eval(a.value(), from);
        evaluator.at(a.line());
        assign(a.target(), value, to);
    }

    private void assign(Target target, Value value, Scope scope) {
        switch (target) {
            case Target.Name n -> scope.set(n.name(), value);
            case Target.Attribute a -> {
                if (!(scope.get(a.namespace()) instanceof Namespace namespace)) {
                    throw new JinjaException("cannot assign attribute on non-namespace object: '" + a.namespace() + "'");
                }
                namespace.set(a.name(), value);
            }
            case Target.Tuple t -> {
                List<Value> parts = Kinds.items(value, meter);
                if (parts.size() != t.parts().size()) {
                    throw new JinjaException((parts.size() < t.parts().size() ? "not enough" : "too many") + " values to unpack (expected "
                            + t.parts().size() + ", got " + parts.size() + ")");
                }
                for (int i = 0; i < parts.size(); i++) {
                    assign(t.parts().get(i), parts.get(i), scope);
                }
            }
        }
    }
}
