/**
 * From a row of logits to a token, over plain arrays and without a model. A stage of the chain is a class here and a call in the chain.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link SamplerChain}: the chain
 * <li>{@link SamplerSettings}: what shapes the choice of a token
 * <li>{@link Penalties}, {@link LogitBias}: the stages before the temperature
 * <li>{@link Candidates}, {@link Cutoff}, {@link TopTokens}: the tokens that may still be picked, and where lists are cut
 * <li>{@link Philox}, {@link Exp}: randomness by seed and position; the exponential, the same everywhere
 * <li>{@link BeamScorer}, {@link EarlyStopping}: beam search, as Hugging Face does it
 * </ul>
 */
package io.jllm.sampling;
