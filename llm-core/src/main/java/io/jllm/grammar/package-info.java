/**
 * Grammars: languages of texts, as rules of expressions. What reads them, runs them and makes masks of them lies in the packages below.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link CodePoints}: sets of characters
 * <li>{@link Expr}: what a rule is made of
 * <li>{@link Grammar}: rules by name, and which is the whole text
 * </ul>
 */
package io.jllm.grammar;
