/**
 * How well a model foresees a text, and how far it is from another.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link PerplexityWindows}: the text, and which of its tokens count
 * <li>{@link RowPass}: all logits before these
 * <li>{@link BaseFile}: log-probabilities of a base, as llama-perplexity writes and reads them
 * <li>{@link Divergence}: a model beside a base
 * </ul>
 */
package io.jllm.examples.cli.perplexity;
