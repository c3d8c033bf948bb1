package io.jllm;

import io.jllm.chat.Answer;
import io.jllm.chat.answer.AnswerParser;

/** A prompt with its own settings, where those of a batch differ. */
public record Request(Prompt prompt, SamplingParams params) {
    /** The same. */
    public static Request of(String prompt, SamplingParams params) {
        return new Request(Prompt.of(prompt), params);
    }

    /** The same with that adapter: one of {@link LLM#adapters}. */
    public Request adapter(String name) {
        return new Request(prompt, params.toBuilder().adapter(name).build());
    }

    /**
     * A conversation made ready to be answered by {@link LLM#chatRequest}: what to ask the engine for, and how the texts that it gives are taken
     * apart. Give {@link #request} to {@link LLM#stream(Request)}, {@link LLM#submit(Request)} or {@link LLM#generate(java.util.List)}, as often as
     * you like. Immutable, safe for all threads.
     */
    public interface Chat {
        /** The request: its prompt is {@link Prompt.Tokens}, and the texts that it gives hold special tokens. */
        Request request();

        /**
         * A parser at the beginning of an answer. All that are made for one answer give calls the same ids.
         *
         * @param index which of the request's outputs, from 0
         */
        AnswerParser parser(int index);

        /** A whole answer, taken apart. */
        default Answer answer(CompletionOutput output) {
            AnswerParser parser = parser(output.index());
            parser.push(output.text());
            parser.finish();
            return parser.answer();
        }

        /** Why an answer ended, of a sequence that ended so: {@link FinishReason#TOOL_CALLS} where the model ended it and it has calls. */
        default FinishReason finishReason(Answer answer, FinishReason sequence) {
            return sequence == FinishReason.STOP && !answer.toolCalls().isEmpty() ? FinishReason.TOOL_CALLS : sequence;
        }
    }
}
