package io.jllm.jinja.library;

import io.jllm.jinja.value.Arguments;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Kinds;
import io.jllm.jinja.value.Meter;
import io.jllm.jinja.value.None;
import io.jllm.jinja.value.Numbers;
import io.jllm.jinja.value.Printing;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Undefined;
import io.jllm.jinja.value.Value;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Arguments of a call, by the names of the parameters that they are for. */
public final class Bound {
    private final String function;
    private final Arguments arguments;
    private final Map<String, Value> values;

    private Bound(String function, Arguments arguments, Map<String, Value> values) {
        this.function = function;
        this.arguments = arguments;
        this.values = values;
    }

    /** @throws JinjaException if there are more than parameters, or one is passed that there is none for, or twice */
    static Bound of(String function, List<String> parameters, Arguments arguments) {
        if (arguments.positional().isEmpty() && arguments.named().isEmpty()) {
            return new Bound(function, arguments, Map.of());
        }
        if (arguments.positional().size() > parameters.size()) {
            throw new JinjaException(function + "() takes at most " + parameters.size() + " arguments, "
                    + arguments.positional().size() + " are given");
        }
        Map<String, Value> values = new HashMap<>();
        for (int i = 0; i < arguments.positional().size(); i++) {
            values.put(parameters.get(i), arguments.positional().get(i));
        }
        arguments.named().forEach((name, value) -> {
            if (!parameters.contains(name)) {
                throw new JinjaException(function + "() got an unexpected keyword argument '" + name + "'");
            }
            if (values.put(name, value) != null) {
                throw new JinjaException(function + "() got multiple values for argument '" + name + "'");
            }
        });
        return new Bound(function, arguments, values);
    }

    /** Of whatever is passed, for a function that looks at that itself. */
    static Bound all(String function, Arguments arguments) {
        return new Bound(function, arguments, Map.of());
    }

    Meter meter() {
        return arguments.meter();
    }

    /** What the call passes, as it does: for functions that take whatever comes. */
    Arguments passed() {
        return arguments;
    }

    Optional<Value> get(String parameter) {
        return Optional.ofNullable(values.get(parameter));
    }

    /** As {@link #get}, but None counts as left out. */
    Optional<Value> some(String parameter) {
        return get(parameter).filter(v -> v != None.NONE);
    }

    Value required(String parameter) {
        return get(parameter).orElseThrow(() -> new JinjaException(function + "() missing 1 required argument: '" + parameter + "'"));
    }

    boolean flag(String parameter) {
        return get(parameter).map(Kinds::truth).orElse(false);
    }

    /** A whole number, as long as it is within 32 bits, and else the nearest of those. */
    int whole(String parameter, int otherwise) {
        return some(parameter).map(v -> {
            if (v instanceof Undefined u) {
                throw u.error();
            }
            return Math.clamp(Numbers.whole(v).orElseThrow(() -> wrong(parameter, "an integer", v)), Integer.MIN_VALUE, Integer.MAX_VALUE);
        }).orElse(otherwise);
    }

    /** A string. */
    Optional<Str> string(String parameter) {
        return some(parameter).map(v -> {
            if (v instanceof Undefined u) {
                throw u.error();
            }
            if (v instanceof Str s) {
                return s;
            }
            throw wrong(parameter, "a string", v);
        });
    }

    /** The text of whatever is passed. */
    Optional<Str> text(String parameter) {
        return get(parameter).map(v -> Printing.text(v, meter()));
    }

    private JinjaException wrong(String parameter, String wanted, Value value) {
        return new JinjaException(function + "(): " + parameter + " must be " + wanted + ", not " + Kinds.name(value));
    }
}
