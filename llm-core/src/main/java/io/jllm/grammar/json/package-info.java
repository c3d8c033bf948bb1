/**
 * JSON schemas as grammars.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link SchemaDocument} and {@link Schema}: a document, checked; what references mean
 * <li>{@link Alternatives} and {@link Exclusive}: schemas that hold together, as alternatives that are plain
 * <li>{@link Facets}: what plain schemas say about a value; {@link Bounds}
 * <li>{@link Members}, {@link Strings}, {@link Instances}: what holds for items and members, for strings, and for given values
 * <li>{@link SchemaCompiler}: the rules; {@link ObjectTexts} and {@link ArrayTexts} those with parts
 * <li>{@link Framing}: what stands around members; {@link PythonArguments} and {@link TaggedArguments} in calls that are no JSON
 * <li>{@link Notation}, {@link JsonTexts}, {@link NumberTexts}, {@link Formats}: how values are written
 * </ul>
 */
package io.jllm.grammar.json;
