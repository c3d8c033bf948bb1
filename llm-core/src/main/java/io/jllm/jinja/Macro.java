package io.jllm.jinja;

import io.jllm.jinja.syntax.Stmt.MacroDefinition;
import io.jllm.jinja.value.Arguments;
import io.jllm.jinja.value.Attributed;
import io.jllm.jinja.value.Callable;
import io.jllm.jinja.value.Dict;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.TextBuilder;
import io.jllm.jinja.value.TupleValue;
import io.jllm.jinja.value.Undefined;
import io.jllm.jinja.value.Value;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A macro, or what a call block holds.
 *
 * @param around the variables that it sees beside its own: those of where it is defined
 */
record Macro(MacroDefinition definition, Scope around, Executor executor) implements Callable, Attributed {
    static final String CALLER = "caller";
    private static final String VARARGS = "varargs";
    private static final String KWARGS = "kwargs";

    @Override
    public String name() {
        return definition.name();
    }

    @Override
    public String typeName() {
        return "Macro";
    }

    @Override
    public Optional<Value> attribute(String attribute) {
        return attribute.equals("name") ? Optional.of(Str.trusted(name())) : Optional.empty();
    }

    @Override
    public Value call(Arguments arguments) {
        Scope scope = new Scope(around);
        Map<String, Value> named = new LinkedHashMap<>(arguments.named());
        List<MacroDefinition.Parameter> parameters = definition.parameters();
        List<Value> positional = arguments.positional();
        for (int i = 0; i < parameters.size(); i++) {
            MacroDefinition.Parameter parameter = parameters.get(i);
            Value byName = named.remove(parameter.name());
            if (i < positional.size() && byName != null) {
                throw new JinjaException("macro '" + name() + "' got multiple values for argument '" + parameter.name() + "'");
            }
            Value value = i < positional.size() ? positional.get(i) : byName;
            if (value == null) {
                value = parameter.otherwise().isPresent() ? executor.evaluator().eval(parameter.otherwise().get(), scope)
                        : new Undefined("parameter '" + parameter.name() + "' was not provided");
            }
            scope.set(parameter.name(), value);
        }
        if (definition.usesCaller()) {
            Value caller = named.remove(CALLER);
            scope.set(CALLER, caller == null ? new Undefined("No caller defined") : caller);
        }
        rest(scope, positional.subList(Math.min(parameters.size(), positional.size()), positional.size()), named);
        TextBuilder out = new TextBuilder(arguments.meter());
        executor.run(definition.body(), scope, out);
        return out.build();
    }

    private void rest(Scope scope, List<Value> positional, Map<String, Value> named) {
        if (definition.usesVarargs()) {
            scope.set(VARARGS, new TupleValue(positional));
        } else if (!positional.isEmpty()) {
            throw new JinjaException("macro '" + name() + "' takes not more than " + definition.parameters().size() + " argument(s)");
        }
        if (definition.usesKwargs()) {
            scope.set(KWARGS, Dict.of(named));
        } else if (!named.isEmpty()) {
            throw new JinjaException("macro '" + name() + "' takes no keyword argument '" + named.keySet().iterator().next() + "'");
        }
    }
}
