/**
 * Regular expressions, and the regular languages that schemas need: those that can be intersected and complemented.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Regex}: a parsed expression; {@link RegexParser} and {@link CharacterClasses} read it
 * <li>{@link RegexExpr}: as an expression of a grammar
 * <li>{@link Dfa}: as the smallest automaton over characters
 * <li>{@link Subsets} and {@link Smallest}: how that is made
 * </ul>
 */
package io.jllm.grammar.regex;
