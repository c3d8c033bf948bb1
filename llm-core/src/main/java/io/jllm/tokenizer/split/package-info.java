/**
 * Pre-tokenizers: a text cut into the pieces that a model then encodes one by one.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Splitting}: a row of steps
 * <li>{@link SplitStep}: cuts what the one before left in one piece
 * <li>{@link Finder}, {@link Expression}: most steps look for stretches, by a regular expression or kinds of characters
 * <li>{@link Behavior}: what becomes of what was found
 * </ul>
 */
package io.jllm.tokenizer.split;
