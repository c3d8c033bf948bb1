package io.jllm.tokenizer.pre;

import io.jllm.ModelLoadException;
import io.jllm.tokenizer.split.Behavior;
import io.jllm.tokenizer.split.Expression;
import io.jllm.tokenizer.split.Finder;
import io.jllm.tokenizer.split.SplitStep;
import io.jllm.tokenizer.split.Splitting;
import io.jllm.tokenizer.subword.Pieces;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * What a {@code tokenizer.ggml.pre} name stands for: regular expressions, applied one after the other to what the one before
 * left in one piece, and what else goes with the name. Source: the table of llama.cpp ({@code llama-vocab.cpp}); those listed give its ids.
 *
 * @param expressions each match, and each stretch between matches, is a piece; {@link SplitExpressions} has two that are no expressions
 * @param whole which pieces that are tokens are taken whole, whatever the merges make of them
 * @param bos whether a prompt gets a beginning-of-sequence token
 * @param writing how the tokens are written
 */
public record PreTokenizer(List<String> expressions, Whole whole, Bos bos, Writing writing) {
    /** Pieces that are taken whole where they are tokens. */
    public enum Whole {
        NONE,
        /** Of nothing but U+000A. */
        LINE_FEEDS,
        ALL
    }

    /** Whether a prompt gets a beginning-of-sequence token. */
    public enum Bos {
        /** Not unless the file says so. */
        IF_TOLD,
        /** Unless the file says otherwise. */
        UNLESS_TOLD,
        /** Whatever the file says: there are files that say otherwise, and are wrong. */
        ALWAYS
    }

    /** How the tokens of a vocabulary are written, and so the pieces that are looked up in it. */
    public enum Writing {
        /** In the byte-level alphabet: a character for each byte. */
        BYTES,
        /** As text; characters that are no tokens fall apart into tokens written {@code <0xNN>}. */
        TEXT,
        /** So, with U+2581 for each space. */
        MARKED_TEXT
    }

    PreTokenizer(List<String> expressions) {
        this(expressions, Whole.NONE, Bos.IF_TOLD, Writing.BYTES);
    }

    PreTokenizer taking(Whole pieces) {
        return new PreTokenizer(expressions, pieces, bos, writing);
    }

    PreTokenizer putting(Bos before) {
        return new PreTokenizer(expressions, whole, before, writing);
    }

    PreTokenizer written(Writing how) {
        return new PreTokenizer(expressions, whole, bos, how);
    }

    /** Whether merges are not asked about a piece that is a token. */
    public boolean ignoresMerges(String piece) {
        return switch (whole) {
            case NONE -> false;
            case LINE_FEEDS -> piece.chars().allMatch(c -> c == '\n');
            case ALL -> true;
        };
    }

    /** How it cuts a text, and writes the pieces as the tokens are written. */
    public Splitting splitting() {
        List<SplitStep> steps = new ArrayList<>();
        if (writing == Writing.MARKED_TEXT) {
            steps.add((text, first, sink) -> sink.piece(text.replace(' ', Pieces.SPACE), first));
        }
        expressions.forEach(e -> steps.add(Behavior.ISOLATED.of(finder(e))));
        if (writing == Writing.BYTES) {
            steps.add((text, first, sink) -> sink.piece(Pieces.written(text), first));
        }
        return new Splitting(steps);
    }

    private static Finder finder(String expression) {
        return switch (expression) {
            case SplitExpressions.THREES_OF_NUMBERS -> DigitGroups.ofNumbers();
            case SplitExpressions.THREES_OF_DIGITS -> DigitGroups.ofDigits();
            default -> Expression.of(expression);
        };
    }

    /** By name; an unknown one is an error that lists those known. */
    public static PreTokenizer named(String name) {
        PreTokenizer found = NamedPreTokenizers.TABLE.get(name);
        if (found == null) {
            throw new ModelLoadException("metadata tokenizer.ggml.pre is \"" + name + "\", a pre-tokenizer that is not known here; "
                    + "known are " + String.join(", ", names()));
        }
        return found;
    }

    /** All known names, in order. */
    public static SortedSet<String> names() {
        return new TreeSet<>(NamedPreTokenizers.TABLE.keySet());
    }
}
