/**
 * Grammars in the notation of llama.cpp.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link GbnfParser}: reads them
 * </ul>
 */
package io.jllm.grammar.gbnf;
