/**
 * Damaged files, thousands a second: whatever is done to a file of a model, loading it works or ends in an error that says what is wrong.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link FuzzTest}: some thousand in a small heap, with each build
 * <li>{@link Fuzz}: the program that does it, for as many as wanted by hand; {@link Seeds} are the sound files, {@link Packing} the packed ones
 * <li>{@link Mutator}, {@link JsonMutator}, {@link Fields}: the damage, at the places that matter in each format
 * </ul>
 */
package io.jllm.load.fuzz;
