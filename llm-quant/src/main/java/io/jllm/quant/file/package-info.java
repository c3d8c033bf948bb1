/**
 * What readers of all formats share. Exported to the core alone, which judges a folder's other files by the same code.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link MappedFile}: files mapped into memory
 * <li>{@link FileKind}: what lies in the place of a model's file
 * <li>{@link JsonComplaint}: a parser's complaint, for people who wrote the file
 * </ul>
 */
package io.jllm.quant.file;
