package io.jllm.chat;

import java.util.Objects;

/**
 * A piece of an answer, as it comes. Pieces of one kind that follow each other are one text in pieces; where they are cut means nothing.
 *
 * <p>A call is a {@link CallStart}, any number of {@link CallArguments} and a {@link CallEnd}, all with its index. A call without an end is
 * unfinished: the answer ended inside it.
 */
public sealed interface AnswerPart {
    /** Text for the user. */
    record Content(String text) implements AnswerPart {
        public Content {
            Objects.requireNonNull(text, "text");
        }
    }

    /** What the model thinks before it answers. */
    record Reasoning(String text) implements AnswerPart {
        public Reasoning {
            Objects.requireNonNull(text, "text");
        }
    }

    /**
     * A call of a tool begins.
     *
     * @param index which call of the answer it is, from 0
     * @param id the model's, or one that was made for it
     * @param name the tool's name as the model wrote it
     */
    record CallStart(int index, String id, String name) implements AnswerPart {
        public CallStart {
            Objects.requireNonNull(id, "id");
            Objects.requireNonNull(name, "name");
        }
    }

    /**
     * The next piece of the arguments' JSON text.
     *
     * @param index which call of the answer it belongs to
     * @param text follows the texts before it; together they are the arguments. Never blank, and never the opening brace alone, unless the answer
     *     ends there
     */
    record CallArguments(int index, String text) implements AnswerPart {
        public CallArguments {
            Objects.requireNonNull(text, "text");
        }
    }

    /** A call is whole. */
    record CallEnd(int index) implements AnswerPart {
    }
}
