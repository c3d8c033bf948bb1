/**
 * How keys and values lie in memory, and what attention and rotation in machine code are written for.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link KvFormat}, {@link KvLayout}: keys and values
 * <li>{@link AttentionShape}, {@link AttentionFrame}: what attention in machine code is written for, and reads
 * <li>{@link RopeShape}: what a rotation is written for
 * </ul>
 */
package io.jllm.cpu.layout.attention;
