package io.jllm.jinja.value;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/** Python's operators on numbers, strings and lists. */
public final class Arithmetic {
    private Arithmetic() {
    }

    /** The binary operators but for those of strings alone. */
    public enum Operator {
        ADD("+"), SUB("-"), MUL("*"), DIV("/"), FLOORDIV("//"), MOD("%"), POW("** or pow()");

        private final String sign;

        Operator(String sign) {
            this.sign = sign;
        }
    }

    /** @throws JinjaException if there is no such thing, or a whole number gets longer than 64 bits */
    public static Value apply(Operator operator, Value a, Value b, Meter meter) {
        OptionalLong x = Numbers.whole(a);
        OptionalLong y = Numbers.whole(b);
        if (x.isPresent() && y.isPresent()) {
            return whole(operator, x.getAsLong(), y.getAsLong());
        }
        OptionalDouble p = Numbers.real(a);
        OptionalDouble q = Numbers.real(b);
        if (p.isPresent() && q.isPresent()) {
            return new Real(real(operator, p.getAsDouble(), q.getAsDouble()));
        }
        return switch (operator) {
            case ADD -> join(a, b, meter);
            case MUL -> {
                if (y.isEmpty() && x.isEmpty()) {
                    throw none(operator, a, b);
                }
                yield y.isPresent() ? repeat(a, y.getAsLong(), b, meter) : repeat(b, x.getAsLong(), a, meter);
            }
            case MOD -> {
                if (a instanceof Str format) {
                    yield Percent.format(format, b, meter);
                }
                throw none(operator, a, b);
            }
            case SUB, DIV, FLOORDIV, POW -> throw none(operator, a, b);
        };
    }

    private static JinjaException none(Operator operator, Value a, Value b) {
        if (a instanceof Undefined u) {
            return u.error();
        }
        if (b instanceof Undefined u) {
            return u.error();
        }
        return operator == Operator.ADD && a instanceof Str
                ? new JinjaException("can only concatenate str (not \"" + Kinds.name(b) + "\") to str")
                : new JinjaException("unsupported operand type(s) for " + operator.sign + ": '" + Kinds.name(a) + "' and '" + Kinds.name(b) + "'");
    }

    private static Value whole(Operator operator, long x, long y) {
        try {
            return switch (operator) {
                case ADD -> new Int(Math.addExact(x, y));
                case SUB -> new Int(Math.subtractExact(x, y));
                case MUL -> new Int(Math.multiplyExact(x, y));
                case DIV -> new Real((double) x / (double) notZero(y));
                case FLOORDIV -> new Int(Math.floorDivExact(x, notZero(y)));
                case MOD -> new Int(Math.floorMod(x, notZero(y)));
                case POW -> y < 0 ? new Real(Math.pow((double) notZero(x), (double) y)) : new Int(power(x, y));
            };
        } catch (ArithmeticException e) {
            throw new JinjaException("the result of " + x + " " + (operator == Operator.POW ? "**" : operator.sign) + " " + y
                    + " does not fit into 64 bits");
        }
    }

    private static long notZero(long divisor) {
        if (divisor == 0) {
            throw new JinjaException("division by zero");
        }
        return divisor;
    }

    private static long power(long base, long exponent) {
        long result = 1;
        long square = base;
        for (long left = exponent; left > 0; left >>= 1) {
            if ((left & 1) == 1) {
                result = Math.multiplyExact(result, square);
            }
            if (left > 1) {
                square = Math.multiplyExact(square, square);
            }
        }
        return result;
    }

    private static double real(Operator operator, double x, double y) {
        return switch (operator) {
            case ADD -> x + y;
            case SUB -> x - y;
            case MUL -> x * y;
            case DIV -> x / notZero(y);
            case FLOORDIV -> Math.floor(x / notZero(y));
            case MOD -> {
                double rest = x % notZero(y);
                yield rest != 0 && rest < 0 != y < 0 ? rest + y : rest == 0 ? Math.copySign(0.0, y) : rest;
            }
            case POW -> power(x, y);
        };
    }

    private static double power(double x, double y) {
        if (x == 0 && y < 0 || x < 0 && y != Math.rint(y)) {
            throw new JinjaException(Numbers.text(x) + " to the power of " + Numbers.text(y) + " is no real number");
        }
        double result = Math.pow(x, y);
        if (Double.isInfinite(result) && !Double.isInfinite(x) && !Double.isInfinite(y)) {
            throw new JinjaException("the result of " + Numbers.text(x) + " ** " + Numbers.text(y) + " is too large");
        }
        return result;
    }

    private static double notZero(double divisor) {
        if (divisor == 0) {
            throw new JinjaException("division by zero");
        }
        return divisor;
    }

    private static Value join(Value a, Value b, Meter meter) {
        if (a instanceof Str s && b instanceof Str t) {
            return new TextBuilder(meter).add(s).add(t).build();
        }
        if (a instanceof ListValue l && b instanceof ListValue m) {
            return new ListValue(joined(l.items(), m.items(), meter));
        }
        if (a instanceof TupleValue l && b instanceof TupleValue m) {
            return new TupleValue(joined(l.items(), m.items(), meter));
        }
        throw none(Operator.ADD, a, b);
    }

    private static List<Value> joined(List<Value> a, List<Value> b, Meter meter) {
        meter.steps(a.size() + b.size());
        List<Value> all = new ArrayList<>(a.size() + b.size());
        all.addAll(a);
        all.addAll(b);
        return all;
    }

    private static Value repeat(Value what, long times, Value number, Meter meter) {
        long n = Math.max(0, times);
        return switch (what) {
            case Str s -> {
                TextBuilder out = new TextBuilder(meter);
                for (long i = 0; i < n && !s.isEmpty(); i++) {
                    meter.step();
                    out.add(s);
                }
                yield out.build();
            }
            case ListValue l -> new ListValue(repeated(l.items(), n, meter));
            case TupleValue t -> new TupleValue(repeated(t.items(), n, meter));
            default -> throw none(Operator.MUL, what, number);
        };
    }

    private static List<Value> repeated(List<Value> items, long times, Meter meter) {
        List<Value> all = new ArrayList<>();
        for (long i = 0; i < times && !items.isEmpty(); i++) {
            meter.steps(items.size());
            all.addAll(items);
        }
        return all;
    }

    /** {@code -value}, or {@code +value}. */
    public static Value signed(boolean minus, Value value) {
        if (value instanceof Undefined u) {
            throw u.error();
        }
        if (value instanceof Real r) {
            return minus ? new Real(-r.value()) : r;
        }
        long whole = Numbers.whole(value).orElseThrow(() -> new JinjaException("bad operand type for unary " + (minus ? "-" : "+") + ": '"
                + Kinds.name(value) + "'"));
        return minus ? whole(Operator.SUB, 0, whole) : new Int(whole);
    }
}
