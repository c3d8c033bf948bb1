/**
 * Times the command line beside other programs on the same model, and draws what came of it.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Compare}: the whole
 * <li>{@link Plan}, {@link Setting}: what is measured
 * <li>{@link Comparison}, {@link Circumstances}, {@link Bandwidth}: rounds in turn, what else the machine did, and how fast its memory was
 * <li>{@link Program}, {@link Jllm}, {@link LlamaBench}, {@link Child}, {@link Speeds}: the programs, and what a run gave
 * <li>{@link Rows}, {@link Chart}: the file of results, and its picture
 * </ul>
 */
package io.jllm.jmh.compare;
