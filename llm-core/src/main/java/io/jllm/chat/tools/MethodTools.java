package io.jllm.chat.tools;

import io.jllm.chat.Tool;
import io.jllm.schema.JsonParameters;
import io.jllm.schema.JsonType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes tools of the annotated methods of an object. */
final class MethodTools {
    private MethodTools() {
    }

    static Map<Tool, Tools.Action> of(Object object) {
        Class<?> type = object.getClass();
        for (Class<?> c = type; c != null; c = c.getSuperclass()) {
            for (Method m : c.getDeclaredMethods()) {
                if (m.isAnnotationPresent(ToolMethod.class) && !Modifier.isPublic(m.getModifiers())) {
                    throw new IllegalArgumentException(m + " is annotated with @ToolMethod and is not public: make it public");
                }
            }
        }
        // reflection gives methods in no certain order
        List<Method> methods = Arrays.stream(type.getMethods()).filter(m -> m.isAnnotationPresent(ToolMethod.class) && !m.isBridge())
                .sorted(Comparator.comparing(Method::getName).thenComparing(Method::toString)).toList();
        if (methods.isEmpty()) {
            throw new IllegalArgumentException(type.getName() + " has no method with @ToolMethod");
        }
        var tools = new LinkedHashMap<Tool, Tools.Action>();
        methods.forEach(m -> {
            var parameters = JsonParameters.of(m);
            var annotation = m.getAnnotation(ToolMethod.class);
            tools.put(new Tool(annotation.name().isEmpty() ? m.getName() : annotation.name(), annotation.value(), parameters.schema()),
                    action(object, m, parameters));
        });
        return tools;
    }

    private static Tools.Action action(Object object, Method method, JsonParameters parameters) {
        var result = result(method);
        return arguments -> {
            try {
                return result.text(method.invoke(object, parameters.read(arguments).toArray()));
            } catch (InvocationTargetException e) {
                switch (e.getCause()) {
                    case Exception thrown -> throw thrown;
                    case Error error -> throw error;
                    default -> throw e;
                }
            }
        };
    }

    @FunctionalInterface
    private interface Result {
        String text(Object value);
    }

    private static Result result(Method method) {
        Class<?> type = method.getReturnType();
        if (type == void.class) {
            return _ -> "done";
        }
        if (type == String.class) {
            return value -> value == null ? "null" : (String) value;
        }
        var json = JsonType.ofGeneric(method.getGenericReturnType());
        return value -> value == null ? "null" : json.write(value);
    }
}
