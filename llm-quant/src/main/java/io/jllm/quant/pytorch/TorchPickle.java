package io.jllm.quant.pytorch;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads a pickle as Python's module of that name describes them ({@code pickletools}), protocols 2 to 4, but for all that tensors do
 * without: classes, lists, sets, bytes, extensions. Whatever else it meets is an error that names it. What it holds is bounded by
 * {@value #MAX_VALUES} values and by the bytes of the pickle.
 */
final class TorchPickle {
    /** A large checkpoint has a hundred thousand tensors of some twenty values each. */
    static final int MAX_VALUES = 1 << 22;
    private static final int NEWEST = 5;

    private final PickleBytes in;
    private final List<Pickled> stack = new ArrayList<>();
    private final List<Integer> marks = new ArrayList<>();
    private final Map<Integer, Pickled> memo = new HashMap<>();
    private int values;

    private TorchPickle(PickleBytes in) {
        this.in = in;
    }

    /** The value of a pickle. */
    static Pickled read(MemorySegment bytes, String file) {
        var machine = new TorchPickle(new PickleBytes(bytes, file));
        for (int op = machine.in.uint8(); op != '.'; op = machine.in.uint8()) {
            machine.step(op);
        }
        return machine.pop();
    }

    private void step(int op) {
        switch (op) {
            case 0x80 -> protocol(in.uint8());
            case 0x95 -> in.skip(8); // a frame: how many bytes follow, which says nothing new
            case '(' -> mark();
            case 'X' -> push(new Pickled.Text(in.text(Integer.toUnsignedLong(in.int32()))));
            case 0x8c -> push(new Pickled.Text(in.text(in.uint8())));
            case 'J' -> push(new Pickled.Whole(in.int32()));
            case 'K' -> push(new Pickled.Whole(in.uint8()));
            case 'M' -> push(new Pickled.Whole(in.uint16()));
            case 0x8a -> push(new Pickled.Whole(in.whole(in.uint8())));
            case 'G' -> push(new Pickled.Real(in.float64()));
            case 'N' -> push(Pickled.Nothing.NONE);
            case 0x88 -> push(new Pickled.Flag(true));
            case 0x89 -> push(new Pickled.Flag(false));
            case '}' -> push(new Pickled.Dict());
            case ')' -> push(new Pickled.Tuple(List.of()));
            case 0x85, 0x86, 0x87 -> push(new Pickled.Tuple(popped(op - 0x84)));
            case 't' -> push(new Pickled.Tuple(sinceMark()));
            case 'q' -> memo.put(in.uint8(), top());
            case 'r' -> memo.put(in.int32(), top());
            case 0x94 -> memo.put(memo.size(), top());
            case 'h' -> recall(in.uint8());
            case 'j' -> recall(in.int32());
            case 'c' -> push(TorchCalls.name(in, in.line(), in.line()));
            case 0x93 -> {
                List<Pickled> names = popped(2);
                push(TorchCalls.name(in, text(names.get(0), "a module"), text(names.get(1), "a name")));
            }
            case 'Q' -> push(TorchCalls.storage(in, pop()));
            case 'R' -> {
                List<Pickled> call = popped(2);
                push(TorchCalls.call(in, call.get(0), call.get(1)));
            }
            case 's' -> put(popped(2));
            case 'u' -> put(sinceMark());
            case 'b' -> build(pop());
            default -> throw in.broken("has the opcode 0x" + Integer.toHexString(op) + (op > ' ' && op < 0x7f ? " ('" + (char) op + "')" : "")
                    + ", which no pickle of tensors needs: it is not read");
        }
    }

    private void protocol(int version) {
        if (version < 2 || version > NEWEST) {
            throw in.broken("is a pickle of protocol " + version + "; protocols 2 to " + NEWEST + " can be read");
        }
    }

    private void mark() {
        count();
        marks.add(stack.size());
    }

    private void push(Pickled value) {
        count();
        stack.add(value);
    }

    private void count() {
        if (++values > MAX_VALUES) {
            throw in.broken("holds more than " + MAX_VALUES + " values, which is the limit");
        }
    }

    private Pickled top() {
        if (stack.size() <= bottom()) {
            throw in.broken("takes a value from an empty stack");
        }
        return stack.getLast();
    }

    private Pickled pop() {
        Pickled value = top();
        stack.removeLast();
        return value;
    }

    /** Values above the last mark are those of the step; those below it are not. */
    private int bottom() {
        return marks.isEmpty() ? 0 : marks.getLast();
    }

    private List<Pickled> popped(int n) {
        if (stack.size() - bottom() < n) {
            throw in.broken("takes " + n + " values from a stack of " + (stack.size() - bottom()));
        }
        List<Pickled> top = stack.subList(stack.size() - n, stack.size());
        List<Pickled> values = List.copyOf(top);
        top.clear();
        return values;
    }

    private List<Pickled> sinceMark() {
        if (marks.isEmpty()) {
            throw in.broken("takes the values since a mark, and there is none");
        }
        List<Pickled> values = popped(stack.size() - bottom());
        marks.removeLast();
        return values;
    }

    private void recall(int index) {
        Pickled value = memo.get(index);
        if (value == null) {
            throw in.broken("recalls value " + index + ", which it has not stored");
        }
        push(value);
    }

    private String text(Pickled value, String what) {
        if (value instanceof Pickled.Text(var text)) {
            return text;
        }
        throw in.broken("has " + value.kind() + " for " + what);
    }

    private void put(List<Pickled> keysAndValues) {
        if (!(top() instanceof Pickled.Dict dict) || keysAndValues.size() % 2 != 0) {
            throw in.broken("puts " + keysAndValues.size() + " keys and values into " + top().kind());
        }
        for (int i = 0; i < keysAndValues.size(); i += 2) {
            String key = text(keysAndValues.get(i), "a key");
            if (dict.entries().put(key, keysAndValues.get(i + 1)) != null) {
                throw in.broken("has the key " + key + " twice");
            }
        }
    }

    /** Attributes of a dictionary: state_dict() leaves versions of modules there, which tensors do not need. */
    private void build(Pickled state) {
        if (!(top() instanceof Pickled.Dict) || !(state instanceof Pickled.Dict)) {
            throw in.broken("sets the state of " + top().kind() + " to " + state.kind() + "; only dictionaries have attributes here");
        }
    }
}
