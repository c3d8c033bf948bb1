package io.jllm.jinja.library;

import io.jllm.jinja.value.Comparison;
import io.jllm.jinja.value.Int;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Kinds;
import io.jllm.jinja.value.ListValue;
import io.jllm.jinja.value.Meter;
import io.jllm.jinja.value.None;
import io.jllm.jinja.value.Value;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The methods of lists, and those of tuples. Hugging Face's sandbox refuses those that change a list; templates for others use them. */
final class ListMethods {
    static final Map<String, Builtin> TABLE = new HashMap<>();
    static final Map<String, Builtin> OF_TUPLES = new HashMap<>();

    static {
        for (Map<String, Builtin> table : List.of(TABLE, OF_TUPLES)) {
            Builtin.add(table, "count", (self, a) -> new Int(count(Kinds.items(self, a.meter()), a.required("value"), a.meter())), "value");
            Builtin.add(table, "index", (self, a) -> new Int(index(Kinds.items(self, a.meter()), a.required("value"), a.meter())), "value");
        }
        Builtin.add(TABLE, "copy", (self, a) -> new ListValue(Kinds.copyOfItems(self, a.meter())));
        Builtin.add(TABLE, "append", (self, a) -> {
            items(self).add(a.required("object"));
            return None.NONE;
        }, "object");
        Builtin.add(TABLE, "extend", (self, a) -> {
            items(self).addAll(Kinds.copyOfItems(a.required("iterable"), a.meter()));
            return None.NONE;
        }, "iterable");
        Builtin.add(TABLE, "insert", (self, a) -> {
            int size = items(self).size();
            int index = a.whole("index", 0);
            a.meter().steps(size);
            items(self).add(index < 0 ? Math.max(0, size + index) : Math.min(index, size), a.required("object"));
            return None.NONE;
        }, "index", "object");
        Builtin.add(TABLE, "pop", (self, a) -> pop(items(self), a.whole("index", -1)), "index");
        Builtin.add(TABLE, "remove", (self, a) -> {
            items(self).remove(index(items(self), a.required("value"), a.meter()));
            return None.NONE;
        }, "value");
        Builtin.add(TABLE, "clear", (self, a) -> {
            items(self).clear();
            return None.NONE;
        });
        Builtin.add(TABLE, "reverse", (self, a) -> {
            a.meter().steps(items(self).size());
            Collections.reverse(items(self));
            return None.NONE;
        });
    }

    private ListMethods() {
    }

    private static List<Value> items(Value self) {
        return ((ListValue) self).items();
    }

    private static int count(List<Value> items, Value sought, Meter meter) {
        int count = 0;
        for (Value item : items) {
            if (Comparison.equal(item, sought, meter)) {
                count++;
            }
        }
        return count;
    }

    private static int index(List<Value> items, Value sought, Meter meter) {
        for (int i = 0; i < items.size(); i++) {
            if (Comparison.equal(items.get(i), sought, meter)) {
                return i;
            }
        }
        throw new JinjaException("the value is not in the list");
    }

    private static Value pop(List<Value> items, int index) {
        int at = index < 0 ? index + items.size() : index;
        if (at < 0 || at >= items.size()) {
            throw new JinjaException(items.isEmpty() ? "pop from empty list" : "pop index out of range");
        }
        return items.remove(at);
    }
}
