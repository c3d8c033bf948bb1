package io.jllm.jinja.library;

import io.jllm.jinja.value.Arguments;
import io.jllm.jinja.value.Attributed;
import io.jllm.jinja.value.Callable;
import io.jllm.jinja.value.Dict;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Kinds;
import io.jllm.jinja.value.Namespace;
import io.jllm.jinja.value.None;
import io.jllm.jinja.value.Numbers;
import io.jllm.jinja.value.Printing;
import io.jllm.jinja.value.RangeValue;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Value;
import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** The functions that every template has. */
public final class Globals {
    private Globals() {
    }

    /** A function by its name. */
    private record Global(String name, Function<Arguments, Value> body) implements Callable {
        @Override
        public Value call(Arguments arguments) {
            return body.apply(arguments);
        }
    }

    /** By name, with this clock for what asks for the time. */
    public static Map<String, Value> of(Clock clock) {
        return Map.of("range", new Global("range", Globals::range),
                "dict", new Global("dict", Globals::dict),
                "namespace", new Global("namespace", Globals::namespace),
                "cycler", new Global("cycler", a -> new Cycler(List.copyOf(a.positional()))),
                "joiner", new Global("joiner", a -> new Joiner(Bound.of("joiner", List.of("sep"), a).text("sep").orElse(Str.trusted(", ")))),
                "raise_exception", new Global("raise_exception", Globals::raise),
                "strftime_now", new Global("strftime_now", a -> Str.trusted(Strftime.format(ZonedDateTime.now(clock),
                        Bound.of("strftime_now", List.of("format"), a).string("format")
                                .orElseThrow(() -> new JinjaException("strftime_now needs a format")).text()))));
    }

    private static Value range(Arguments a) {
        long[] limits = a.positional().stream().mapToLong(v -> Numbers.whole(v)
                .orElseThrow(() -> new JinjaException("range() needs integers, not a value of type " + Kinds.name(v)))).toArray();
        return switch (limits.length) {
            case 1 -> new RangeValue(0, limits[0], 1);
            case 2 -> new RangeValue(limits[0], limits[1], 1);
            case 3 -> new RangeValue(limits[0], limits[1], limits[2]);
            default -> throw new JinjaException("range() takes 1 to 3 arguments, " + limits.length + " are given");
        };
    }

    private static Value dict(Arguments a) {
        Dict dict = new Dict();
        a.positional().forEach(more -> DictMethods.update(dict, more, a.meter()));
        a.named().forEach((name, value) -> dict.put(Str.trusted(name), value));
        return dict;
    }

    private static Value namespace(Arguments a) {
        Namespace namespace = new Namespace();
        Dict dict = new Dict();
        a.positional().forEach(more -> DictMethods.update(dict, more, a.meter()));
        dict.entries().forEach(e -> namespace.set(Printing.text(e.key(), a.meter()).text(), e.value()));
        a.named().forEach(namespace::set);
        return namespace;
    }

    private static Value raise(Arguments a) {
        throw new JinjaException(Bound.of("raise_exception", List.of("message"), a).text("message").orElse(Str.trusted("")).text());
    }

    /** Goes round its values. */
    private static final class Cycler implements Attributed {
        private final List<Value> items;
        private int at;

        Cycler(List<Value> items) {
            if (items.isEmpty()) {
                throw new JinjaException("at least one item has to be provided to a cycler");
            }
            this.items = items;
        }

        @Override
        public String typeName() {
            return "Cycler";
        }

        @Override
        public Optional<Value> attribute(String name) {
            return switch (name) {
                case "current" -> Optional.of(items.get(at));
                case "next" -> Optional.of(new Global("next", _ -> {
                    Value current = items.get(at);
                    at = (at + 1) % items.size();
                    return current;
                }));
                case "reset" -> Optional.of(new Global("reset", _ -> {
                    at = 0;
                    return None.NONE;
                }));
                default -> Optional.empty();
            };
        }
    }

    /** Gives nothing when it is called first, and its separator from then on. */
    private static final class Joiner implements Callable {
        private final Str separator;
        private boolean used;

        Joiner(Str separator) {
            this.separator = separator;
        }

        @Override
        public String name() {
            return "joiner";
        }

        @Override
        public Value call(Arguments arguments) {
            Str result = used ? separator : Str.trusted("");
            used = true;
            return result;
        }
    }
}
