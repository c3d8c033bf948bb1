/**
 * Grammars of answers that call tools, and of text that is free up to a mark.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link CallGrammar}: the grammar of an answer, by the format of the model and the schemas of the tools
 * <li>{@link CallForm}: how each format writes calls
 * <li>{@link HarmonyGrammar}: the messages of gpt-oss around its calls
 * <li>{@link FreeText}: text in which marks are looked for
 * <li>{@link SpecialTokens}: those of a vocabulary, which stand for marks
 * </ul>
 */
package io.jllm.constraint.calls;
