/**
 * Hammers an engine with requests of every kind from many threads, and compares each answer with that of the same request alone.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Soak}, {@link Round}: the test, and one of its rounds
 * <li>{@link Questions}, {@link Question}, {@link Turn}: what is asked, and how the caller behaves; {@link LogitsProcessors} are part of it
 * <li>{@link Caller}, {@link PieceReader}, {@link Answer}: a caller, and what it got
 * <li>{@link Soloist}, {@link Checker}: the same question alone, and the comparison
 * <li>{@link Ends}, {@link MemoryTrend}, {@link Threads}: what must hold of the engine as a whole
 * <li>{@link Tally}, {@link SoakReport}, {@link SoakLog}: what is told
 * </ul>
 */
package io.jllm.examples.cli.soak;
