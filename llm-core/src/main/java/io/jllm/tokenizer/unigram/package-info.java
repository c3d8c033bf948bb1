/**
 * Vocabularies of pieces with probabilities: of all ways to cut a text into pieces, the likeliest is taken.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link UnigramBuilder}: the pieces, their scores, and what becomes of what is no piece
 * <li>{@link UnigramModel}: the search for the best way through a text
 * <li>{@link PieceTrie}: which pieces begin at a place
 * </ul>
 */
package io.jllm.tokenizer.unigram;
