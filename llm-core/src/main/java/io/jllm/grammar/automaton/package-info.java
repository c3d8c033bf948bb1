/**
 * Grammars run over bytes: rules as automata that call each other, with a stack for each way to read a text, all of which share what they can.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link RuleBuilder}: expressions become automata ({@link Nfa}); long repetitions count
 * <li>{@link Linker}: what is empty, what never ends, what begins with itself ({@link LeftRecursion}, {@link Circles})
 * <li>{@link Determinizer}: automata without free ways
 * <li>{@link Network}: the states of all rules, in one numbering
 * <li>{@link Distances}: how far it is to the end of a rule
 * <li>{@link State} and {@link Node}: where a text has got to, and what called the rules that it is in
 * <li>{@link Step}: what comes after a byte
 * <li>{@link Machine}: remembers all that
 * <li>{@link Utf8}, {@link TokenBytes}, {@link IntList}: characters and special tokens as bytes; a list
 * </ul>
 */
package io.jllm.grammar.automaton;
