package io.jllm.jinja.value;

import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/** Which values are equal, which come first, and which are in others. */
public final class Comparison {
    private Comparison() {
    }

    /** {@code ==}. */
    public static boolean equal(Value a, Value b, Meter meter) {
        meter.step();
        if (a == b) {
            return !(a instanceof Real r) || !Double.isNaN(r.value());
        }
        return switch (a) {
            case Str s -> s.equals(b);
            case Int _, Real _, Bool _ -> numbersEqual(a, b);
            case None _ -> false;
            case Undefined _ -> b instanceof Undefined;
            case ListValue l -> b instanceof ListValue o && equal(l.items(), o.items(), meter);
            case TupleValue t -> b instanceof TupleValue o && equal(t.items(), o.items(), meter);
            case Dict d -> b instanceof Dict o && equal(d, o, meter);
            case RangeValue r -> b instanceof RangeValue o && r.items().equals(o.items());
            case DictView v -> b instanceof DictView o && v.kind() == o.kind() && v.kind() != DictView.Kind.VALUES
                    && equal(v.items(), o.items(), meter);
            case Generator _, Namespace _, Callable _, Attributed _ -> a.equals(b);
        };
    }

    private static boolean numbersEqual(Value a, Value b) {
        OptionalLong x = Numbers.whole(a);
        OptionalLong y = Numbers.whole(b);
        if (x.isPresent() && y.isPresent()) {
            return x.getAsLong() == y.getAsLong();
        }
        OptionalDouble r = Numbers.real(b);
        return r.isPresent() && Numbers.real(a).getAsDouble() == r.getAsDouble();
    }

    private static boolean equal(List<Value> a, List<Value> b, Meter meter) {
        if (a.size() != b.size()) {
            return false;
        }
        meter.enter();
        boolean same = true;
        for (int i = 0; i < a.size() && same; i++) {
            same = equal(a.get(i), b.get(i), meter);
        }
        meter.leave();
        return same;
    }

    private static boolean equal(Dict a, Dict b, Meter meter) {
        if (a.size() != b.size()) {
            return false;
        }
        meter.enter();
        boolean same = true;
        for (Dict.Entry entry : a.entries()) {
            var other = b.get(entry.key());
            same = other.isPresent() && equal(entry.value(), other.get(), meter);
            if (!same) {
                break;
            }
        }
        meter.leave();
        return same;
    }

    /**
     * Negative, 0 or positive as the first comes before the second, with it or after it.
     *
     * @param operator how errors name what was asked
     * @throws JinjaException if the two have no order
     */
    public static int compare(Value a, Value b, String operator, Meter meter) {
        meter.step();
        if (a instanceof Undefined u) {
            throw u.error();
        }
        if (b instanceof Undefined u) {
            throw u.error();
        }
        if (a instanceof Str s && b instanceof Str t) {
            return compare(s.text(), t.text());
        }
        OptionalLong x = Numbers.whole(a);
        OptionalLong y = Numbers.whole(b);
        if (x.isPresent() && y.isPresent()) {
            return Long.compare(x.getAsLong(), y.getAsLong());
        }
        OptionalDouble p = Numbers.real(a);
        OptionalDouble q = Numbers.real(b);
        if (p.isPresent() && q.isPresent()) {
            return p.getAsDouble() < q.getAsDouble() ? -1 : p.getAsDouble() > q.getAsDouble() ? 1 : 0;
        }
        if (a instanceof ListValue l && b instanceof ListValue m) {
            return compare(l.items(), m.items(), operator, meter);
        }
        if (a instanceof TupleValue l && b instanceof TupleValue m) {
            return compare(l.items(), m.items(), operator, meter);
        }
        throw new JinjaException("'" + operator + "' not supported between instances of '" + Kinds.name(a) + "' and '" + Kinds.name(b) + "'");
    }

    private static int compare(List<Value> a, List<Value> b, String operator, Meter meter) {
        meter.enter();
        int result = Integer.compare(a.size(), b.size());
        for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
            if (!equal(a.get(i), b.get(i), meter)) {
                result = compare(a.get(i), b.get(i), operator, meter);
                break;
            }
        }
        meter.leave();
        return result;
    }

    /** By code points, as Python has it: above U+FFFF that differs from the order of UTF-16. */
    private static int compare(String a, String b) {
        int same = 0;
        int shorter = Math.min(a.length(), b.length());
        while (same < shorter && a.charAt(same) == b.charAt(same)) {
            same++;
        }
        if (same == shorter) {
            return Integer.compare(a.length(), b.length());
        }
        char x = a.charAt(same);
        char y = b.charAt(same);
        return Character.isSurrogate(x) == Character.isSurrogate(y) ? Character.compare(x, y) : Character.isSurrogate(x) ? 1 : -1;
    }

    /** {@code item in container}. */
    public static boolean contains(Value container, Value item, Meter meter) {
        return switch (container) {
            case Str s when item instanceof Str part -> s.text().contains(part.text());
            case Str _ when item instanceof Undefined u -> throw u.error();
            case Str _ -> throw new JinjaException("'in <string>' requires string as left operand, not " + Kinds.name(item));
            case Dict d -> d.get(item).isPresent();
            case DictView v when v.kind() == DictView.Kind.KEYS -> v.dict().get(item).isPresent();
            case Int _, Real _, Bool _, None _, Namespace _, Callable _, Attributed _ -> throw new JinjaException("argument of type '"
                    + Kinds.name(container) + "' is not iterable");
            case Undefined _, ListValue _, TupleValue _, RangeValue _, DictView _, Generator _ -> {
                boolean found = false;
                for (Value each : Kinds.items(container, meter)) {
                    found |= equal(each, item, meter);
                    if (found) {
                        break;
                    }
                }
                yield found;
            }
        };
    }
}
