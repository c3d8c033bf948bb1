package io.jllm.springai;

import io.jllm.schema.JsonType;
import java.util.Objects;
import org.springframework.ai.converter.StructuredOutputConverter;
import org.springframework.core.ParameterizedTypeReference;

/**
 * Entities by the schemas of {@link JsonType}, which say all that its reader asks for: give it to {@code ChatClient}'s {@code entity} where
 * the schemas that Spring AI writes say less than its reader wants. Those leave the values of maps open, and the texts of {@code LocalDateTime}, and
 * times have an offset by their format that {@code LocalTime} does not read. Safe for all threads.
 *
 * @param <T> the entity's type
 */
public final class JllmOutputConverter<T> implements StructuredOutputConverter<T> {
    private final JsonType<T> type;

    private JllmOutputConverter(JsonType<T> type) {
        this.type = type;
    }

    /**
     * Of a class.
     *
     * @throws io.jllm.schema.UnsupportedTypeException if it is neither a record nor anything else that {@link JsonType} knows
     */
    public static <T> JllmOutputConverter<T> of(Class<T> type) {
        return new JllmOutputConverter<>(JsonType.of(type));
    }

    /**
     * Of a generic type, such as a list of records.
     *
     * @throws io.jllm.schema.UnsupportedTypeException if {@link JsonType} does not know it
     */
    public static <T> JllmOutputConverter<T> of(ParameterizedTypeReference<T> type) {
        return new JllmOutputConverter<>(JsonType.ofGeneric(type.getType()));
    }

    /** What is told to a model that is not bound by the schema. */
    @Override
    public String getFormat() {
        return "Answer with JSON of this schema, and nothing else:\n" + type.schema();
    }

    @Override
    public String getJsonSchema() {
        return type.schema();
    }

    /** @throws io.jllm.schema.JsonReadException if it is no value of the type */
    @Override
    public T convert(String text) {
        return Objects.requireNonNull(type.read(text), "value");
    }
}
