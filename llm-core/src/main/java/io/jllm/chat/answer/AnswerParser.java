package io.jllm.chat.answer;

import io.jllm.chat.Answer;
import io.jllm.chat.AnswerFormat;
import io.jllm.chat.AnswerPart;
import io.jllm.chat.Tool;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/**
 * Takes an answer apart while it comes: into content, reasoning and tool calls. Give it the text as it is decoded, with special tokens written out;
 * where the text is cut makes no difference to what the parts are together.
 *
 * <p>What it takes for what:
 * <ul>
 * <li>Nothing is lost: each character is content, reasoning, part of a call, or a mark. What only looks like a call is content.
 * <li>A call has begun when its name is known and its arguments begin, and stays one. Where its arguments stop being what the format wants, all up
 * to its end is part of them, as the model wrote it: then they are no JSON. A call within whose arguments the answer ends has no end.
 * <li>In formats without marks (Llama's and Python's calls as the whole answer) only calls of tools that are given count.
 * <li>Reasoning counts where no content stands before it. A block that is never closed is reasoning to the end, and calls inside are part of it.
 * <li>White space between content, reasoning and calls belongs to none of them. Content on both sides of a call is joined by a line end.
 * <li>End-of-turn tokens at the end are no content; they are text where text follows.
 * </ul>
 *
 * <p>Not thread-safe. The time is linear in the length of the answer; what is held back is the beginning of something that may be a mark or a call.
 */
public final class AnswerParser {
    private static final String LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    private static final int ID_LETTERS = 24;
    /** Mistral's templates refuse ids of any other length. */
    private static final int MISTRAL_ID_LETTERS = 9;
    private static final List<String> END_TOKENS = List.of("<|im_end|>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>", "<|eot|>",
            "<|eom|>", "<end_of_turn>", "<turn|>", "<|tool_response>", "<｜end▁of▁sentence｜>", "<|END_OF_TURN_TOKEN|>", "<|end|>", "<|observation|>", "<|user|>",
            "<seed:eos>", "[e~[", "<eos>");

    private final Input in = new Input();
    private final Output out;
    private final Dialect dialect;
    private boolean finished;

    private AnswerParser(Builder b, Output.Trace trace) {
        out = new Output(b.ids, trace);
        var syntax = Syntaxes.of(b.format).map(s -> b.calls ? s : s.withoutCalls());
        if (syntax.isPresent()) {
            var marked = new MarkedDialect(syntax.get(), new ParameterTypes(b.tools), b.endTokens);
            String prompt = b.prompt.stripTrailing();
            syntax.get().reasoning().stream().filter(f -> prompt.endsWith(f.open().strip())).findFirst()
                    .ifPresent(f -> marked.startInReasoning(f.close()));
            dialect = marked;
        } else {
            dialect = HarmonyDialect.behind(b.prompt, b.calls);
        }
    }

    /** A parser for one answer of a format. */
    public static Builder builder(AnswerFormat format) {
        return new Builder(format);
    }

    /**
     * The next text of the answer.
     *
     * @return what is certain now and was not before; parts of one kind in a row are one
     * @throws IllegalStateException after {@link #finish}
     */
    public List<AnswerPart> push(String text) {
        if (finished) {
            throw new IllegalStateException("the answer is finished: make a new parser for the next one");
        }
        in.append(text);
        dialect.read(in, out);
        return out.drain();
    }

    /** The answer is at its end. What was held back is given out. May be called again, to no effect. */
    public List<AnswerPart> finish() {
        if (!finished) {
            finished = true;
            in.end();
            dialect.read(in, out);
            out.finish();
        }
        return out.drain();
    }

    /** All that the parts say that were given out so far. */
    public Answer answer() {
        return out.answer();
    }

    /** Parses a whole answer. */
    public static Answer parse(AnswerFormat format, List<Tool> tools, String text) {
        var parser = builder(format).tools(tools).build();
        parser.push(text);
        parser.finish();
        return parser.answer();
    }

    /** Settings of a parser. */
    public static final class Builder {
        private final AnswerFormat format;
        private List<Tool> tools = List.of();
        private String prompt = "";
        private boolean calls = true;
        private List<String> endTokens = END_TOKENS;
        private Supplier<String> ids;

        private Builder(AnswerFormat format) {
            this.format = Objects.requireNonNull(format, "format");
            idsBy(RandomGenerator.getDefault());
        }

        /** Makes ids of random letters: parsers whose random numbers are the same make the same ids. */
        public Builder idsBy(RandomGenerator random) {
            ids = format == AnswerFormat.MISTRAL ? () -> randomId(random, "", MISTRAL_ID_LETTERS) : () -> randomId(random, "call_", ID_LETTERS);
            return this;
        }

        private static String randomId(RandomGenerator random, String prefix, int letters) {
            var id = new StringBuilder(prefix);
            for (int i = 0; i < letters; i++) {
                id.append(LETTERS.charAt(random.nextInt(LETTERS.length())));
            }
            return id.toString();
        }

        /** The tools that the model was told of: their schemas tell the types of arguments, their names what is a call where no mark does. */
        public Builder tools(List<Tool> tools) {
            this.tools = List.copyOf(tools);
            return this;
        }

        /** Whether calls are looked for; else what looks like one is content. They are as a rule. */
        public Builder calls(boolean lookFor) {
            calls = lookFor;
            return this;
        }

        /** The prompt: where it ends with the beginning of reasoning, the answer begins inside it. */
        public Builder prompt(String prompt) {
            this.prompt = Objects.requireNonNull(prompt, "prompt");
            return this;
        }

        /** The model's end-of-turn tokens, besides the known ones that can be nothing else ({@code <|im_end|>} and its like). */
        public Builder endTokens(Collection<String> tokens) {
            endTokens = Stream.concat(END_TOKENS.stream(), tokens.stream().filter(t -> !t.isEmpty())).distinct().toList();
            return this;
        }

        /** Makes ids of calls that have none: unique in a conversation. By default 24 random letters after {@code call_}; for Mistral 9. */
        public Builder ids(Supplier<String> ids) {
            this.ids = Objects.requireNonNull(ids, "ids");
            return this;
        }

        public AnswerParser build() {
            return build((_, _) -> { });
        }

        AnswerParser build(Output.Trace trace) {
            return new AnswerParser(this, trace);
        }
    }
}
