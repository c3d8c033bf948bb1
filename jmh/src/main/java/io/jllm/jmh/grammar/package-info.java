/**
 * What it costs to have answers obey a schema.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Schemas}: schemas, and answers to them
 * <li>{@link Masks}: the tokens that may come next, token after token of an answer, and what comes before the first
 * <li>{@link Bound}: whole answers beside free ones of the same lengths
 * </ul>
 */
package io.jllm.jmh.grammar;
