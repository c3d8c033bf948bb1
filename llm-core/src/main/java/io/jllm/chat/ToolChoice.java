package io.jllm.chat;

import java.util.Objects;

/**
 * Whether an answer calls tools, as OpenAI's API and vLLM have it ({@code tool_choice}).
 *
 * <p>Where calls are demanded, the answer is them and, before them, reasoning. They are written as the model's template teaches it, their names are
 * those of tools, and their arguments obey the schemas, by a constraint on the tokens.
 */
public sealed interface ToolChoice {
    /** The model decides. */
    record Auto() implements ToolChoice {
        @Override
        public String toString() {
            return "auto";
        }
    }

    /** No calls. */
    record None() implements ToolChoice {
        @Override
        public String toString() {
            return "none";
        }
    }

    /** Calls, one at least. */
    record Required() implements ToolChoice {
        @Override
        public String toString() {
            return "required";
        }
    }

    /**
     * One call of a tool.
     *
     * @param name the tool's
     */
    record Named(String name) implements ToolChoice {
        public Named {
            Objects.requireNonNull(name, "name");
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /** The model decides whether it calls tools, and which: the default. */
    static ToolChoice auto() {
        return new Auto();
    }

    /**
     * The model is not told of the tools, and what looks like a call in its answer is text. (vLLM leaves tools out of the prompt with
     * {@code --exclude-tools-when-tool-choice-none}.)
     */
    static ToolChoice none() {
        return new None();
    }

    /** One call or more. Llama 3's and gpt-oss's formats have room for one in an answer. */
    static ToolChoice required() {
        return new Required();
    }

    /** Exactly one call of the tool of that name. */
    static ToolChoice named(String name) {
        return new Named(name);
    }
}
