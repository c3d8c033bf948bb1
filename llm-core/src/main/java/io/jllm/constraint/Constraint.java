package io.jllm.constraint;

import io.jllm.chat.AnswerFormat;
import io.jllm.chat.Tool;
import io.jllm.chat.ToolChoice;
import io.jllm.constraint.calls.CallGrammar;
import io.jllm.tokenizer.Tokenizer;
import java.util.List;
import java.util.Optional;

/**
 * What an answer must look like: a language of texts. Where a request has one, tokens that could not go on to such a text cannot be picked, and
 * the text ends only where it is one. Give it to {@code SamplingParams.builder().constraint(...)}. Immutable and thread-safe: make one and use
 * it for many requests, for what is found out about a grammar is remembered in it. An application's own automata may implement it.
 *
 * <p><b>Ends.</b> An answer is steered to its end: near {@code maxTokens}, or the end of the context, tokens are left out after which the text
 * could not be made whole any more by those that are left, so that it is whole wherever the shortest one fits (shortest in bytes, cut into the
 * fewest tokens), even if {@code maxTokens} ends it. Before, sampling is that of the constraint alone: the distribution changes only in answers
 * that would be cut else, and in these only near their end, where what is longer than the room that is left has the chance 0 and the rest is as
 * likely among itself as it was. With {@link #behindReasoning} reasoning ends in time, too. {@link #unsteered} leaves answers to be cut. They are
 * not steered where {@code logitBias} or {@code allowedTokenIds} ban tokens or {@code minTokens} is {@code maxTokens}, and by an application's own
 * automaton only if its masks do that.
 *
 * <p>An answer that is cut all the same, by a stop string, a stop token, a time limit or because no whole text fits, is the beginning of such a text,
 * as a rule. A language is of the text that is generated, and takes nothing of the prompt.
 */
public interface Constraint {
    /**
     * Where an answer begins.
     *
     * @param tokenizer of the model; what is made for it is remembered for as long as it is in use
     * @throws IllegalArgumentException if the constraint cannot be kept with it
     */
    TokenMask start(Tokenizer tokenizer);

    /** Any JSON value, written as {@link #jsonSchema} says. */
    static Constraint json() {
        return GrammarConstraint.json();
    }

    /** Any JSON object, written as {@link #jsonSchema} says. */
    static Constraint jsonObject() {
        return GrammarConstraint.jsonObject();
    }

    /**
     * The JSON values of a schema of draft 2020-12.
     *
     * <p><b>Keywords.</b> {@code type}, {@code enum}, {@code const}; {@code minimum}, {@code maximum}, {@code exclusiveMinimum},
     * {@code exclusiveMaximum}, {@code multipleOf}; {@code minLength}, {@code maxLength} (code points), {@code pattern} (as {@link #regex}, but
     * anywhere in the text), {@code format} (date, time, date-time, duration, email, hostname, ipv4, ipv6, json-pointer, uri, uuid, and of
     * integers int8, int16, int32, int64; enforced);
     * {@code properties}, {@code patternProperties}, {@code additionalProperties}, {@code propertyNames}, {@code required},
     * {@code minProperties}, {@code maxProperties}; {@code items}, {@code prefixItems}, {@code minItems}, {@code maxItems}; {@code $ref} within
     * the document, recursion included, {@code $anchor}, {@code $defs}; {@code allOf}, {@code anyOf}, and {@code oneOf} where it can be shown
     * that no value satisfies two branches. Annotations are passed over, and so is what begins with {@code x-}. Everything else is refused by
     * name, such as {@code not}, {@code if}, {@code contains}, {@code uniqueItems}, {@code unevaluatedProperties}, {@code dependentRequired}.
     * Members that the schema does not name may come, as the standard says, unless {@code additionalProperties} is false.
     *
     * <p><b>How values are written.</b> Of the many ways to write a value these are admitted: properties in the order in which the schema names
     * them, then other members; one space or none after a comma and a colon, and no other white space; integers without fraction and exponent;
     * numbers that nothing bounds with at most 18 digits before the point, 17 after it and two in the exponent, and those with bounds or a
     * {@code multipleOf} without exponent; strings with any escape of JSON, but where a pattern or format is given with those only that are
     * needed. Values of {@code enum} and {@code const} have the order of members in which the schema writes them.
     *
     * @param schema its JSON
     * @throws IllegalArgumentException if it is no schema, has something that is not supported, no value satisfies it, or it is too large; the
     *     message says what and where
     */
    static Constraint jsonSchema(String schema) {
        return GrammarConstraint.jsonSchema(schema);
    }

    /**
     * Texts that a regular expression matches wholly, as ECMA-262 writes it with flag {@code u}: characters, {@code .}, classes with ranges,
     * {@code \d \w \s} and their opposites, {@code \p{...}}, escapes, groups, alternatives, {@code * + ? {n} {n,} {n,m}} (lazy ones mean the
     * same), {@code ^} at the begin and {@code $} at the end. Lookaround, back references, word boundaries and flags are refused by name.
     *
     * @throws IllegalArgumentException if it is none, or has something that is not supported; the message says what and where
     */
    static Constraint regex(String pattern) {
        return GrammarConstraint.regex(pattern);
    }

    /**
     * Texts of a grammar in llama.cpp's notation, GBNF. Rules may begin with themselves. Special tokens are written by id, {@code <[1000]>};
     * by their text, and all but one ({@code !}), they are refused.
     *
     * @throws IllegalArgumentException if it is none, has no text at all, or is too large; the message says what and where
     */
    static Constraint grammar(String gbnf) {
        return GrammarConstraint.gbnf(gbnf);
    }

    /**
     * One of these texts.
     *
     * @param texts at least one
     */
    static Constraint choices(List<String> texts) {
        return GrammarConstraint.choices(texts);
    }

    /**
     * Texts of one of these languages. Which of them it is may show late, or never.
     *
     * @param languages at least one
     */
    static Constraint anyOf(Constraint... languages) {
        return new AnyOf(List.of(languages));
    }

    /**
     * Free reasoning, and behind it an answer that is bound: for models that think before they answer.
     *
     * @param answer what the answer is bound by
     * @param open what begins reasoning, such as {@code <think>}; where it is one token of the vocabulary, the model may begin with it or with the
     *     answer. Empty where the prompt has begun the reasoning
     * @param close what ends it, such as {@code </think>}; the text does not end before
     */
    static Constraint behindReasoning(Constraint answer, Optional<String> open, String close) {
        return new BehindReasoning(answer, open, close);
    }

    /**
     * Calls of tools, written as the templates of a format teach it, with arguments that obey the tools' schemas, which are read as
     * {@link #jsonSchema} says. These formats are bound: HERMES, LLAMA_JSON, MISTRAL, DEEPSEEK, HARMONY, GRANITE, PHI, COMMAND and KIMI, whose
     * arguments are JSON, and PYTHONIC and QWEN_XML, in which arguments are those that the schema names. PYTHONIC writes values as Python's literals,
     * strings in double quotes. QWEN_XML writes strings without quotes: none with {@code </parameter>} or {@code </function>} in it, none with
     * {@code </} where the schema counts their characters, and where a parameter may be a string or something else none that could be read as the
     * latter.
     *
     * <p>With {@code required} and {@code named} the text is the calls and nothing else (in HARMONY reasoning may come before). With {@code auto} it
     * is free, but each call in it has the name of a tool and arguments of its schema; what else a parser would take for the beginning of a call
     * cannot be written. In LLAMA_JSON, whose calls have no mark, a text that begins with a brace is a call then, and none begins with a bracket; in
     * PYTHONIC one that begins with a bracket, and none begins with a brace.
     *
     * @param template the text of the model's chat template: some formats have several ways to write a call
     * @param tools their names all different
     * @param choice not {@code none}
     * @throws IllegalArgumentException if the format is another one, there is no tool or not that of the choice, a tool's name has other characters
     *     than letters, digits, {@code _}, {@code .} and {@code -}, or its schema is not supported or cannot be written so; the message says what
     */
    static Constraint toolCalls(AnswerFormat format, String template, List<Tool> tools, ToolChoice choice) {
        return new ToolCallConstraint(new CallGrammar(format, template, tools, choice), "calls of tools, " + choice);
    }

    /** The same constraint with answers that are cut where {@code maxTokens} ends them, however near their end is: up to there nothing is steered. */
    default Constraint unsteered() {
        return new Unsteered(this);
    }

    /** About how many bytes of memory are taken by what it remembers, as far as it knows that: 0 where it does not. It grows with use. */
    default long bytes() {
        return 0;
    }

    /** Whether a text is one of the language. */
    boolean accepts(String text);
}
