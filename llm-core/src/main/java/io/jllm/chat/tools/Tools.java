package io.jllm.chat.tools;

import io.jllm.chat.Message;
import io.jllm.chat.Tool;
import io.jllm.chat.ToolCall;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Tools with what they do: methods of objects, and functions.
 *
 * <pre>{@code
 * class Weather {
 *     @ToolMethod("The temperature in a city now, in degrees Celsius")
 *     public double temperature(@Description("its name, in English") String city) { ... }
 * }
 * var tools = Tools.of(new Weather());
 * }</pre>
 *
 * <p>Immutable, and as thread-safe as the tools are: {@link #call} runs a tool on the thread that calls it, and may be called by several at once.
 */
public final class Tools {
    private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_-]{1,64}");
    private static final String ERROR = "error: ";

    /** What a tool does. */
    @FunctionalInterface
    interface Action {
        /** The result for the model, from arguments as JSON text. What it throws is the result too. */
        String run(String arguments) throws Exception;
    }

    private record Entry(Tool tool, Action action) {
    }

    private final Map<String, Entry> entries;

    private Tools(Map<String, Entry> entries) {
        this.entries = entries;
    }

    /**
     * The public methods of these objects that are annotated with {@link ToolMethod}.
     *
     * @throws IllegalArgumentException if an object has none, one is not public, or two have one name
     * @throws io.jllm.schema.UnsupportedTypeException if a parameter or a result is of a type that {@link io.jllm.schema.JsonType} does not know,
     *         parameters have no names (compile with {@code -parameters}), or a module is closed to this one
     */
    public static Tools of(Object... objects) {
        var builder = builder();
        for (Object object : objects) {
            builder.addMethods(object);
        }
        return builder.build();
    }

    /** Tools that are put together one by one. */
    public static Builder builder() {
        return new Builder();
    }

    /** What the model is told of, in the order in which they were added. */
    public List<Tool> list() {
        return entries.values().stream().map(Entry::tool).toList();
    }

    /**
     * Runs a call. What goes wrong is said to the model, so that it can mend it: an unknown name, arguments that do not fit, and what the tool
     * throws, as {@code error: ...}. Errors of the JVM are thrown on.
     *
     * @return the message of the tool that answers the call
     */
    public Message call(ToolCall call) {
        return Message.tool(call, result(call));
    }

    private String result(ToolCall call) {
        var entry = entries.get(call.name());
        if (entry == null) {
            return ERROR + "there is no tool " + call.name() + "; there are: " + String.join(", ", entries.keySet());
        }
        try {
            return Objects.requireNonNullElse(entry.action.run(call.arguments().isBlank() ? "{}" : call.arguments()), "null");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return ERROR + "interrupted";
        } catch (Exception e) {
            return ERROR + (e.getMessage() == null || e.getMessage().isBlank() ? e.getClass().getSimpleName() : e.getMessage());
        }
    }

    /** Puts tools together. */
    public static final class Builder {
        private final Map<String, Entry> entries = new LinkedHashMap<>();

        private Builder() {
        }

        /**
         * A tool by its description and a function from arguments, as JSON text, to the result for the model.
         *
         * @throws IllegalArgumentException if the name is no tool's, or there is one of it
         */
        public Builder add(Tool tool, Function<String, String> function) {
            Objects.requireNonNull(function, "function");
            return put(tool, function::apply);
        }

        /** As {@link Tools#of} of one object. */
        public Builder addMethods(Object object) {
            MethodTools.of(object).forEach(this::put);
            return this;
        }

        private Builder put(Tool tool, Action action) {
            if (!NAME.matcher(tool.name()).matches()) {
                throw new IllegalArgumentException("the name of the tool \"" + tool.name() + "\" must be 1 to 64 letters, digits, _ and -");
            }
            if (entries.putIfAbsent(tool.name(), new Entry(tool, action)) != null) {
                throw new IllegalArgumentException("there are two tools named " + tool.name() + ": name one of them by @ToolMethod(name = ...)");
            }
            return this;
        }

        public Tools build() {
            return new Tools(new LinkedHashMap<>(entries));
        }
    }
}
