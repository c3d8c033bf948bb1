/**
 * What answers must look like, so that they always parse: JSON schemas, regular expressions, grammars, choices.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Constraint}: a language of texts, and the ways to write one
 * <li>{@link TokenMask}: where an answer has got to, and what may come next; for an application's own automata too
 * </ul>
 */
package io.jllm.constraint;
