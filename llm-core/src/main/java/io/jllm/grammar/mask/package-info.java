/**
 * Which tokens of a vocabulary a grammar allows.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link TokenTrie}: tokens by their bytes, as a tree
 * <li>{@link Slice}: tokens of characters of one kind, allowed at once
 * <li>{@link TokenTable}: both, for a tokenizer
 * <li>{@link Walk} and {@link Allowed}: the tokens that are allowed in a state
 * <li>{@link Endings}: how few tokens make a text whole
 * <li>{@link Masks}: remembers them, and leaves out those after which a text would not end in time
 * </ul>
 */
package io.jllm.grammar.mask;
