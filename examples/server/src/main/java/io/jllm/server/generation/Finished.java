package io.jllm.server.generation;

import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.RequestOutput;
import io.jllm.chat.Answer;
import java.util.List;

/**
 * What was answered.
 *
 * @param output the request's result
 * @param answers in order of their index
 */
public record Finished(RequestOutput output, List<One> answers) {
    /**
     * One answer.
     *
     * @param reason why it ended
     * @param sequence the sequence that it was taken from
     */
    public record One(Answer answer, FinishReason reason, CompletionOutput sequence) {
    }

    public int promptTokens() {
        return output.metrics().promptTokens();
    }

    public int cachedTokens() {
        return output.metrics().cachedTokens();
    }

    public int generatedTokens() {
        return output.metrics().generatedTokens();
    }

    /** How many tokens the texts of reasoning are. */
    public int reasoningTokens(LLM llm) {
        return answers.stream().flatMap(a -> a.answer.reasoning().stream()).mapToInt(r -> llm.tokenizer().encode(r, false, false).length).sum();
    }
}
