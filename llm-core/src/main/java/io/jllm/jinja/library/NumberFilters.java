package io.jllm.jinja.library;

import io.jllm.jinja.value.Arithmetic;
import io.jllm.jinja.value.Bool;
import io.jllm.jinja.value.Int;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Kinds;
import io.jllm.jinja.value.Numbers;
import io.jllm.jinja.value.Real;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Undefined;
import io.jllm.jinja.value.Value;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Map;
import java.util.Optional;

/** Filters that give numbers. */
final class NumberFilters {
    /** More digits than a double has. */
    private static final int MAX_PRECISION = 400;

    private NumberFilters() {
    }

    static void addTo(Map<String, Builtin> table) {
        Builtin.add(table, "int", (v, a) -> whole(v, a.get("default").orElse(new Int(0)), a.whole("base", 10)), "default", "base");
        Builtin.add(table, "float", (v, a) -> real(v).orElseGet(() -> a.get("default").orElse(new Real(0))), "default");
        Builtin.add(table, "abs", (v, _) -> switch (v) {
            case Real r -> new Real(Math.abs(r.value()));
            case Int i -> i.value() < 0 ? Arithmetic.signed(true, i) : i;
            case Bool b -> new Int(b.isTrue() ? 1 : 0);
            case Undefined u -> throw u.error();
            default -> throw new JinjaException("bad operand type for abs(): '" + Kinds.name(v) + "'");
        });
        Builtin.add(table, "round", (v, a) -> round(v, a.whole("precision", 0), a.string("method").map(Str::text).orElse("common")),
                "precision", "method");
    }

    private static Value whole(Value value, Value otherwise, int base) {
        if (value instanceof Undefined u) {
            throw u.error();
        }
        Optional<Value> number = value instanceof Str s ? Numbers.parseWhole(s.text(), base).map(Value.class::cast) : Optional.of(value);
        number = number.filter(v -> Numbers.real(v).isPresent()).or(() -> real(value));
        return number.map(v -> {
            if (Numbers.whole(v).isPresent()) {
                return new Int(Numbers.whole(v).getAsLong());
            }
            double truncated = Numbers.real(v).getAsDouble();
            if (!Double.isFinite(truncated)) {
                return otherwise;
            }
            if (Math.abs(truncated) >= 0x1p63) {
                throw new JinjaException("the number " + Numbers.text(truncated) + " does not fit into 64 bits");
            }
            return new Int((long) truncated);
        }).orElse(otherwise);
    }

    private static Optional<Value> real(Value value) {
        if (value instanceof Undefined u) {
            throw u.error();
        }
        var number = value instanceof Str s ? Numbers.parseReal(s.text()) : Numbers.real(value);
        return number.isPresent() ? Optional.of(new Real(number.getAsDouble())) : Optional.empty();
    }

    private static Value round(Value value, int precision, String method) {
        if (value instanceof Undefined u) {
            throw u.error();
        }
        RoundingMode mode = switch (method) {
            case "common" -> RoundingMode.HALF_EVEN;
            case "ceil" -> RoundingMode.CEILING;
            case "floor" -> RoundingMode.FLOOR;
            default -> throw new JinjaException("round: method must be common, ceil or floor, is " + method);
        };
        double number = Numbers.real(value).orElseThrow(() -> new JinjaException("round needs a number, not one of type " + Kinds.name(value)));
        int digits = Math.clamp(precision, -MAX_PRECISION, MAX_PRECISION);
        boolean whole = Numbers.whole(value).isPresent();
        if (mode == RoundingMode.HALF_EVEN) {
            if (whole) {
                BigDecimal rounded = BigDecimal.valueOf(Numbers.whole(value).getAsLong()).setScale(Math.min(digits, 0), mode);
                return new Int(rounded.longValue());
            }
            return Double.isFinite(number) ? new Real(new BigDecimal(number).setScale(digits, mode).doubleValue()) : value;
        }
        if (!Double.isFinite(number)) {
            throw new JinjaException("round: " + Numbers.text(number) + " has no whole number next to it");
        }
        double scale = Math.pow(10, digits);
        return new Real((mode == RoundingMode.CEILING ? Math.ceil(number * scale) : Math.floor(number * scale)) / scale);
    }
}
