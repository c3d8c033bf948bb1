/**
 * What the server says of itself.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Health}: whether it serves; {@link MetricsPage}: how much
 * <li>{@link Pages}: files for browsers
 * <li>{@link Description}: all of it for machines, as OpenAPI has it, with the {@link Schemas} of bodies
 * </ul>
 */
package io.jllm.server.service;
