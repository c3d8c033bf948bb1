/**
 * The pre-tokenizers that GGUF files name: how a text is cut before merges are looked for.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link PreTokenizer}: what a name stands for
 * <li>{@link NamedPreTokenizers}: the table of names
 * <li>{@link SplitExpressions}: the regular expressions
 * <li>{@link DigitGroups}: digits in threes from the right, which no expression finds quickly
 * </ul>
 */
package io.jllm.tokenizer.pre;
