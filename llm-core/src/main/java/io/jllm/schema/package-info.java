/**
 * Java types as JSON has them: the schemas that models are told of and held to, and values read back from what they write.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link JsonType}: of a type; {@link JsonParameters}: of a method's parameters
 * <li>{@link Name}, {@link Description}: annotations for both
 * <li>{@link UnsupportedTypeException}, {@link JsonReadException}: what can go wrong
 * <li>{@link Shape}: a type, understood; {@link Shapes} and {@link Leaves} find it by {@link Reflection}
 * <li>{@link SchemaWriter}, {@link StrictJson}, {@link ShapeReader}, {@link ShapeWriter}: schema, text, value
 * </ul>
 */
package io.jllm.schema;
