/**
 * Pre-tokenizers: a text cut into the pieces that a model then encodes one by one.
 *
 * <p>In reading order: {@link io.jllm.tokenizer.split.Splitting} is a row of {@link io.jllm.tokenizer.split.SplitStep}s, each of which cuts
 * what the one before left in one piece; most steps are a {@link io.jllm.tokenizer.split.Finder}, a regular
 * {@link io.jllm.tokenizer.split.Expression} or a kind of character, with a {@link io.jllm.tokenizer.split.Behavior} that says what becomes
 * of what was found.
 */
package io.jllm.tokenizer.split;
