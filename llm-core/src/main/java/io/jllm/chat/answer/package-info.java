/**
 * Answers taken apart while they come: reasoning, content and tool calls of the formats that models are trained to write. Each character is looked
 * at in its order, so that what an answer is does not depend on the pieces it comes in.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link AnswerParser}: text in, parts out
 * <li>{@link Input}, {@link Markers}: text that has come; what means something in it. {@link Output}: what was understood
 * <li>{@link Dialect}: {@link MarkedDialect} for text with marks, by a {@link Syntax}, of which {@link Syntaxes} has one a format;
 * {@link HarmonyDialect} for gpt-oss
 * <li>{@link ReasoningMarks}: where reasoning ends, for whoever binds the answer behind it
 * <li>{@link CallMarks}: where calls begin, for whoever binds them
 * <li>{@link CallReader}: {@link JsonCalls} and {@link JsonCall}, {@link HeadedCall}, {@link PythonCalls}, {@link ElementCalls} by their
 * {@link Tags}
 * <li>{@link Arguments}: the arguments of a call, by a {@link ValueScanner}: {@link JsonValue}, {@link PythonValue},
 * {@link GemmaValue}; {@link ElementValue} for those
 * without quotes, by the {@link ParameterTypes} of the tools' schemas
 * </ul>
 */
package io.jllm.chat.answer;
