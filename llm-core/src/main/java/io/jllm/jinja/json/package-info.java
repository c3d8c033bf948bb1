/**
 * JSON text to values of templates, and back as Python writes it.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link JsonText}: values out of text that others wrote: all of it is data
 * <li>{@link JsonWriter}: the {@code tojson} of templates
 * </ul>
 */
package io.jllm.jinja.json;
