package io.jllm.jinja;

import io.jllm.jinja.library.Filters;
import io.jllm.jinja.library.Lookup;
import io.jllm.jinja.library.Tests;
import io.jllm.jinja.syntax.Expr;
import io.jllm.jinja.syntax.Expr.Compare;
import io.jllm.jinja.value.Arguments;
import io.jllm.jinja.value.Arithmetic;
import io.jllm.jinja.value.Bool;
import io.jllm.jinja.value.Callable;
import io.jllm.jinja.value.Comparison;
import io.jllm.jinja.value.Dict;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Kinds;
import io.jllm.jinja.value.ListValue;
import io.jllm.jinja.value.Meter;
import io.jllm.jinja.value.Printing;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Subscripts;
import io.jllm.jinja.value.TextBuilder;
import io.jllm.jinja.value.TupleValue;
import io.jllm.jinja.value.Undefined;
import io.jllm.jinja.value.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Evaluates expressions of one rendering. Not thread-safe. */
final class Evaluator {
    private final Meter meter;
    private int line = 1;

    Evaluator(Meter meter) {
        this.meter = meter;
    }

    Meter meter() {
        return meter;
    }

    /** Where the template was last. */
    int line() {
        return line;
    }

    /** Says where the template is. */
    void at(int where) {
        line = where;
    }

    Value eval(Expr expr, Scope scope) {
        meter.step();
        meter.enter();
        Value value = switch (expr) {
            case Expr.Name n -> scope.get(n.name());
            case Expr.Literal l -> l.value();
            case Expr.Attribute a -> attribute(a, scope);
            case Expr.Item i -> item(i, scope);
            case Expr.Binary b -> binary(b, scope);
            case Expr.Compare c -> Bool.of(holds(c, scope));
            case Expr.Test t -> Bool.of(holds(t, scope));
            case Expr.Call c -> call(c, scope, Map.of());
            case Expr.Filter f -> filter(f.call(), eval(f.of(), scope), scope);
            case Expr.And a -> and(a, scope);
            case Expr.Or o -> or(o, scope);
            case Expr.Not n -> Bool.of(!Kinds.truth(eval(n.of(), scope)));
            case Expr.Conditional c -> conditional(c, scope);
            case Expr.Concat c -> concat(c, scope);
            case Expr.Slice s -> slice(s, scope);
            case Expr.Sign s -> sign(s, scope);
            case Expr.ListLiteral l -> new ListValue(all(l.items(), scope));
            case Expr.TupleLiteral t -> new TupleValue(all(t.items(), scope));
            case Expr.DictLiteral d -> dict(d, scope);
        };
        meter.leave();
        return value;
    }

    private Value attribute(Expr.Attribute a, Scope scope) {
        Value of = eval(a.of(), scope);
        line = a.line();
        return Lookup.attribute(of, a.name());
    }

    private Value item(Expr.Item i, Scope scope) {
        Value of = eval(i.of(), scope);
        Value key = eval(i.key(), scope);
        line = i.line();
        return Lookup.item(of, key);
    }

    private Value slice(Expr.Slice s, Scope scope) {
        Value of = eval(s.of(), scope);
        Value start = eval(s.start(), scope);
        Value stop = eval(s.stop(), scope);
        Value step = eval(s.step(), scope);
        line = s.line();
        return Subscripts.slice(of, start, stop, step, meter);
    }

    private Value binary(Expr.Binary b, Scope scope) {
        Value left = eval(b.left(), scope);
        Value right = eval(b.right(), scope);
        line = b.line();
        return Arithmetic.apply(b.operator(), left, right, meter);
    }

    private Value sign(Expr.Sign s, Scope scope) {
        Value of = eval(s.of(), scope);
        line = s.line();
        return Arithmetic.signed(s.minus(), of);
    }

    private Value and(Expr.And a, Scope scope) {
        Value left = eval(a.left(), scope);
        return Kinds.truth(left) ? eval(a.right(), scope) : left;
    }

    private Value or(Expr.Or o, Scope scope) {
        Value left = eval(o.left(), scope);
        return Kinds.truth(left) ? left : eval(o.right(), scope);
    }

    private Value conditional(Expr.Conditional c, Scope scope) {
        return Kinds.truth(eval(c.test(), scope)) ? eval(c.then(), scope) : c.otherwise().isPresent() ? eval(c.otherwise().get(), scope)
                : new Undefined("the inline if-expression evaluated to false and no else section was defined");
    }

    private Value concat(Expr.Concat c, Scope scope) {
        TextBuilder out = new TextBuilder(meter);
        for (Expr part : c.parts()) {
            Value value = eval(part, scope);
            line = c.line();
            Printing.write(value, out, meter);
        }
        return out.build();
    }

    private List<Value> all(List<Expr> exprs, Scope scope) {
        List<Value> values = new ArrayList<>(exprs.size());
        for (Expr expr : exprs) {
            values.add(eval(expr, scope));
        }
        return values;
    }

    private Value dict(Expr.DictLiteral d, Scope scope) {
        Dict dict = new Dict();
        for (Expr.DictLiteral.Pair pair : d.pairs()) {
            Value key = eval(pair.key(), scope);
            Value value = eval(pair.value(), scope);
            line = d.line();
            dict.put(key, value);
        }
        return dict;
    }

    private boolean holds(Compare c, Scope scope) {
        Value left = eval(c.first(), scope);
        for (Compare.Operand other : c.others()) {
            Value right = eval(other.expr(), scope);
            line = c.line();
            if (!holds(other.relation(), left, right)) {
                return false;
            }
            left = right;
        }
        return true;
    }

    private boolean holds(Compare.Relation relation, Value left, Value right) {
        return switch (relation) {
            case EQ -> Comparison.equal(left, right, meter);
            case NE -> !Comparison.equal(left, right, meter);
            case LT -> Comparison.compare(left, right, relation.sign(), meter) < 0;
            case LE -> Comparison.compare(left, right, relation.sign(), meter) <= 0;
            case GT -> Comparison.compare(left, right, relation.sign(), meter) > 0;
            case GE -> Comparison.compare(left, right, relation.sign(), meter) >= 0;
            case IN -> Comparison.contains(right, left, meter);
            case NOT_IN -> !Comparison.contains(right, left, meter);
        };
    }

    private boolean holds(Expr.Test t, Scope scope) {
        Value of = eval(t.of(), scope);
        Arguments arguments = arguments(t.passed(), scope, Map.of());
        line = t.line();
        return Tests.holds(t.name(), of, arguments);
    }

    /** What a filter makes of a value. */
    Value filter(Expr.FilterCall f, Value value, Scope scope) {
        Arguments arguments = arguments(f.passed(), scope, Map.of());
        line = f.line();
        return Filters.apply(f.name(), value, arguments);
    }

    /** @param more named arguments beside those that are written */
    Value call(Expr.Call c, Scope scope, Map<String, Value> more) {
        Value callee = eval(c.callee(), scope);
        Arguments arguments = arguments(c.passed(), scope, more);
        line = c.line();
        return switch (callee) {
            case Callable function -> function.call(arguments);
            case Undefined u -> throw u.error();
            default -> throw new JinjaException("'" + Kinds.name(callee) + "' object is not callable");
        };
    }

    private Arguments arguments(Expr.Passed passed, Scope scope, Map<String, Value> more) {
        if (passed == Expr.Passed.NOTHING && more.isEmpty()) {
            return Arguments.none(meter);
        }
        List<Value> positional = all(passed.positional(), scope);
        Map<String, Value> named = new LinkedHashMap<>(more);
        for (Expr.Passed.Keyword keyword : passed.named()) {
            named.put(keyword.name(), eval(keyword.value(), scope));
        }
        if (passed.list().isPresent()) {
            positional.addAll(Kinds.items(eval(passed.list().get(), scope), meter));
        }
        if (passed.dict().isPresent()) {
            Value dict = eval(passed.dict().get(), scope);
            if (!(dict instanceof Dict d)) {
                throw new JinjaException("argument after ** must be a mapping, not " + Kinds.name(dict));
            }
            for (Dict.Entry entry : d.entries()) {
                if (!(entry.key() instanceof Str name)) {
                    throw new JinjaException("keywords must be strings");
                }
                named.put(name.text(), entry.value());
            }
        }
        return new Arguments(positional, named, meter);
    }
}
