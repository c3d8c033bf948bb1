package io.jllm.jinja;

import io.jllm.jinja.value.Arguments;
import io.jllm.jinja.value.Attributed;
import io.jllm.jinja.value.Bool;
import io.jllm.jinja.value.Callable;
import io.jllm.jinja.value.Comparison;
import io.jllm.jinja.value.Int;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.TupleValue;
import io.jllm.jinja.value.Undefined;
import io.jllm.jinja.value.Value;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A loop that runs, which is its variable {@code loop}. Items are taken one by one, as a filter may depend on what the body does, but for those
 * that {@code loop.last}, {@code loop.nextitem} and {@code loop.length} look ahead for.
 */
final class Loop implements Attributed, Callable {
    private static final Undefined NOTHING = new Undefined("");

    private final int depth0;
    private final UnaryOperator<Value> again;
    private Iterator<Value> items;
    private int index0 = -1;
    /** Of loops whose items are counted already, else -1. */
    private int length;
    private Value before = NOTHING;
    private Value current = NOTHING;
    private Optional<Value> after = Optional.empty();
    private Value changed = NOTHING;

    /** A function of a loop. */
    private record Function(String name, java.util.function.Function<Arguments, Value> body) implements Callable {
        @Override
        public Value call(Arguments arguments) {
            return body.apply(arguments);
        }
    }

    /**
     * @param length how many items there are, -1 if that is not known
     * @param depth0 how many loops of the same statement it runs inside of
     * @param again runs the body for other items
     */
    Loop(Iterator<Value> items, int length, int depth0, UnaryOperator<Value> again) {
        this.items = items;
        this.length = length;
        this.depth0 = depth0;
        this.again = again;
    }

    /** Goes to the next item, if there is one. */
    Optional<Value> next() {
        Optional<Value> next = peek();
        after = Optional.empty();
        if (next.isPresent()) {
            before = current;
            current = next.get();
            index0++;
        }
        return next;
    }

    private Optional<Value> peek() {
        if (after.isEmpty() && items.hasNext()) {
            after = Optional.of(items.next());
        }
        return after;
    }

    private int length() {
        if (length < 0) {
            List<Value> rest = new ArrayList<>();
            items.forEachRemaining(rest::add);
            items = rest.iterator();
            length = index0 + 1 + (after.isPresent() ? 1 : 0) + rest.size();
        }
        return length;
    }

    @Override
    public String typeName() {
        return "LoopContext";
    }

    @Override
    public Optional<Value> attribute(String name) {
        return Optional.ofNullable(switch (name) {
            case "index" -> new Int(index0 + 1);
            case "index0" -> new Int(index0);
            case "first" -> Bool.of(index0 == 0);
            case "last" -> Bool.of(peek().isEmpty());
            case "length" -> new Int(length());
            case "revindex" -> new Int(length() - index0);
            case "revindex0" -> new Int(length() - index0 - 1);
            case "previtem" -> index0 == 0 ? new Undefined("there is no previous item") : before;
            case "nextitem" -> peek().orElse(new Undefined("there is no next item"));
            case "depth" -> new Int(depth0 + 1);
            case "depth0" -> new Int(depth0);
            case "cycle" -> new Function("cycle", this::cycle);
            case "changed" -> new Function("changed", this::changed);
            default -> null;
        });
    }

    private Value cycle(Arguments a) {
        if (a.positional().isEmpty()) {
            throw new JinjaException("no items for cycling given");
        }
        return a.positional().get(index0 % a.positional().size());
    }

    private Value changed(Arguments a) {
        Value now = new TupleValue(a.positional());
        boolean same = changed != NOTHING && Comparison.equal(changed, now, a.meter());
        changed = now;
        return Bool.of(!same);
    }

    @Override
    public String name() {
        return "loop";
    }

    @Override
    public Value call(Arguments arguments) {
        if (arguments.positional().size() != 1) {
            throw new JinjaException("loop() takes what it is to go through");
        }
        return again.apply(arguments.positional().getFirst());
    }
}
