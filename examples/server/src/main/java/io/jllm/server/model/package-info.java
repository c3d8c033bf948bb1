/**
 * Models by name.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link ModelSource}: a model that is served, and how it is opened
 * <li>{@link Slot}, {@link Names}: one as it stands, and what stands for it
 * <li>{@link Models}: all of them, by the rules of {@link Loading}; loads what is asked for, and unloads what was not asked for longest
 * <li>{@link Lease}: a model while a request uses it
 * </ul>
 */
package io.jllm.server.model;
