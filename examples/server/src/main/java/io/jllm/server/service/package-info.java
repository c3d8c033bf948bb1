/**
 * What the server says of itself.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Health}: whether it serves; {@link MetricsPage}: how much
 * <li>{@link Pages}: files for browsers
 * <li>{@link Description}: all that can be asked, for machines
 * </ul>
 */
package io.jllm.server.service;
