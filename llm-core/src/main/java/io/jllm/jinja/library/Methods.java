package io.jllm.jinja.library;

import io.jllm.jinja.value.Arguments;
import io.jllm.jinja.value.Callable;
import io.jllm.jinja.value.Dict;
import io.jllm.jinja.value.ListValue;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.TupleValue;
import io.jllm.jinja.value.Value;
import java.util.Map;
import java.util.Optional;

/** The methods of values. */
final class Methods {
    private Methods() {
    }

    /** A method of a value. */
    private record Bound(Value self, Builtin method) implements Callable {
        @Override
        public String name() {
            return method.name();
        }

        @Override
        public Value call(Arguments arguments) {
            return method.apply(self, arguments);
        }
    }

    static Optional<Value> of(Value value, String name) {
        Map<String, Builtin> table = switch (value) {
            case Str _ -> StringMethods.TABLE;
            case Dict _ -> DictMethods.TABLE;
            case ListValue _ -> ListMethods.TABLE;
            case TupleValue _ -> ListMethods.OF_TUPLES;
            default -> Map.of();
        };
        Builtin method = table.get(name);
        return method == null ? Optional.empty() : Optional.of(new Bound(value, method));
    }
}
