package io.jllm.schema;

import java.lang.reflect.Type;
import java.util.Objects;

/**
 * A Java type as JSON has it: its schema for the model, and values from text and back.
 *
 * <p>Types:
 * <ul>
 * <li>records, nested and recursive, also with type parameters: objects with exactly these properties. Components of type {@code Optional} (and
 * {@code OptionalInt} and its like) may be absent or null
 * <li>sealed interfaces of records: {@code anyOf}, told apart by the property {@code type} with the record's name
 * <li>enums: strings. Names by {@link Name}, descriptions by {@link Description}
 * <li>{@code List}, {@code Collection}, {@code Set} and arrays: arrays. Equal elements of a set become one
 * <li>{@code Map<String, V>}: objects. Of members with one name the last counts
 * <li>{@code String}; {@code boolean}; {@code byte}, {@code short}, {@code int}, {@code long}, {@code BigInteger}: integers; {@code float},
 * {@code double}, {@code BigDecimal}: numbers, rounded to what the type holds; boxes of all these
 * <li>{@code LocalDate}, {@code Instant}, {@code OffsetDateTime}, {@code ZonedDateTime}, {@code OffsetTime}, {@code UUID}, {@code URI}: strings with
 * a {@code format}; {@code LocalTime}, {@code LocalDateTime}, {@code Duration} and {@code Period}: strings with a {@code pattern}
 * </ul>
 *
 * <p>Reading is strict: what is unknown, missing, null, of another type or out of range is an error that names its place. A text that the schema
 * admits can be read, but for numbers that no finite {@code float} or {@code double} holds, numbers of more than 4,096 digits, dates that no calendar
 * has, and what a record's own constructor refuses.
 *
 * <p>Immutable and thread-safe.
 *
 * @param <T> the type
 */
public final class JsonType<T> {
    private static final String ROOT = "$";

    private final Shape shape;
    private final String schema;

    private JsonType(Shape shape) {
        this.shape = shape;
        schema = SchemaWriter.of(shape, true).toString();
    }

    /**
     * Of a class.
     *
     * @throws UnsupportedTypeException if it or a type inside it is none of the above, or its module is closed to this one
     */
    public static <T> JsonType<T> of(Class<T> type) {
        return new JsonType<>(new Shapes().of(Objects.requireNonNull(type, "type"), type.getSimpleName()));
    }

    /** As {@link #of(Class)}, of a type with arguments, such as that of a method's parameter; the caller says which. */
    public static <T> JsonType<T> ofGeneric(Type type) {
        return new JsonType<>(new Shapes().of(Objects.requireNonNull(type, "type"), type.getTypeName()));
    }

    /** Its JSON schema (draft 2020-12), as compact JSON text. */
    public String schema() {
        return schema;
    }

    /**
     * The value in a JSON text.
     *
     * @throws JsonReadException if it is no JSON, or no value of the type
     */
    @SuppressWarnings("unchecked")
    public T read(String json) {
        return (T) new ShapeReader(StrictJson.parse(json)).read(shape, ROOT);
    }

    /**
     * A value as compact JSON text.
     *
     * @throws NullPointerException if something in it is null, with its place
     * @throws IllegalArgumentException if a number in it is not finite, or it is nested more than 255 deep
     */
    public String write(T value) {
        return ShapeWriter.write(shape, value, ROOT, 0).toString();
    }
}
