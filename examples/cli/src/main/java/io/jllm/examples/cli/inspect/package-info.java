/**
 * What can be said of a model's files without running them.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Inspector}: looks into them, and asks every backend
 * <li>{@link Inspection}: what it found
 * <li>{@link InspectionText}, {@link GgufJson}: it for people, and as JSON
 * </ul>
 */
package io.jllm.examples.cli.inspect;
