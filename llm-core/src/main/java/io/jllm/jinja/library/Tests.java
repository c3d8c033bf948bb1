package io.jllm.jinja.library;

import io.jllm.jinja.value.Arguments;
import io.jllm.jinja.value.Bool;
import io.jllm.jinja.value.Callable;
import io.jllm.jinja.value.Comparison;
import io.jllm.jinja.value.Dict;
import io.jllm.jinja.value.Int;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Kinds;
import io.jllm.jinja.value.ListValue;
import io.jllm.jinja.value.None;
import io.jllm.jinja.value.Numbers;
import io.jllm.jinja.value.Printing;
import io.jllm.jinja.value.RangeValue;
import io.jllm.jinja.value.Real;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.TupleValue;
import io.jllm.jinja.value.Undefined;
import io.jllm.jinja.value.Value;
import java.util.HashMap;
import java.util.Map;

/** What can be asked with {@code is}. */
public final class Tests {
    private static final Map<String, Builtin> TABLE = new HashMap<>();
    private static final String OTHER = "other";

    /** A question. */
    @FunctionalInterface
    private interface Question {
        boolean holds(Value value, Bound arguments);
    }

    /** An order of two values. */
    @FunctionalInterface
    private interface Order {
        boolean holds(int compared);
    }

    static {
        add("defined", (v, _) -> !(v instanceof Undefined));
        add("undefined", (v, _) -> v instanceof Undefined);
        add("none", (v, _) -> v == None.NONE);
        add("boolean", (v, _) -> v instanceof Bool);
        add("true", (v, _) -> v == Bool.TRUE);
        add("false", (v, _) -> v == Bool.FALSE);
        add("integer", (v, _) -> v instanceof Int);
        add("float", (v, _) -> v instanceof Real);
        add("number", (v, _) -> v instanceof Int || v instanceof Real || v instanceof Bool);
        add("string", (v, _) -> v instanceof Str);
        add("mapping", (v, _) -> v instanceof Dict);
        add("sequence", (v, _) -> v instanceof Str || v instanceof ListValue || v instanceof TupleValue || v instanceof RangeValue
                || v instanceof Dict || v instanceof Undefined);
        add("iterable", (v, _) -> Kinds.isIterable(v));
        add("callable", (v, _) -> v instanceof Callable || v instanceof Undefined);
        add("odd", (v, _) -> Math.floorMod(whole(v), 2) == 1);
        add("even", (v, _) -> Math.floorMod(whole(v), 2) == 0);
        add("divisibleby", (v, a) -> {
            long by = whole(a.required("num"));
            if (by == 0) {
                throw new JinjaException("division by zero");
            }
            return whole(v) % by == 0;
        }, "num");
        add("lower", (v, a) -> StringMethods.isCase(Printing.text(v, a.meter()), false));
        add("upper", (v, a) -> StringMethods.isCase(Printing.text(v, a.meter()), true));
        add("escaped", (_, _) -> false);
        add("filter", (v, _) -> v instanceof Str s && Filters.has(s.text()));
        add("test", (v, _) -> v instanceof Str s && TABLE.containsKey(s.text()));
        add("sameas", (v, a) -> same(v, a.required(OTHER)), OTHER);
        add("in", (v, a) -> Comparison.contains(a.required(OTHER), v, a.meter()), OTHER);
        for (String name : new String[] {"eq", "equalto", "=="}) {
            add(name, (v, a) -> Comparison.equal(v, a.required(OTHER), a.meter()), OTHER);
        }
        for (String name : new String[] {"ne", "!="}) {
            add(name, (v, a) -> !Comparison.equal(v, a.required(OTHER), a.meter()), OTHER);
        }
        order(c -> c < 0, "<", "lt", "lessthan");
        order(c -> c <= 0, "<=", "le");
        order(c -> c > 0, ">", "gt", "greaterthan");
        order(c -> c >= 0, ">=", "ge");
    }

    private Tests() {
    }

    private static void add(String name, Question question, String... parameters) {
        Builtin.add(TABLE, name, (value, arguments) -> Bool.of(question.holds(value, arguments)), parameters);
    }

    private static void order(Order order, String sign, String... names) {
        add(sign, (v, a) -> order.holds(Comparison.compare(v, a.required(OTHER), sign, a.meter())), OTHER);
        for (String name : names) {
            TABLE.put(name, TABLE.get(sign));
        }
    }

    private static long whole(Value value) {
        if (value instanceof Undefined u) {
            throw u.error();
        }
        return Numbers.whole(value).orElseThrow(() -> new JinjaException("a whole number is needed, not one of type " + Kinds.name(value)));
    }

    /** As {@code is} of Python: what templates can tell apart; equal numbers and strings are the same here. */
    private static boolean same(Value a, Value b) {
        return switch (a) {
            case Str _, Int _, Real _ -> a.equals(b);
            default -> a == b;
        };
    }

    /** @throws JinjaException if there is no such test, or it takes no such arguments */
    public static boolean holds(String name, Value value, Arguments arguments) {
        Builtin test = TABLE.get(name);
        if (test == null) {
            throw new JinjaException("no test named '" + name + "'");
        }
        return test.apply(value, arguments) == Bool.TRUE;
    }
}
