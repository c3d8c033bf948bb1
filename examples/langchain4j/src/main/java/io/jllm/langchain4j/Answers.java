package io.jllm.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import io.jllm.CompletionOutput;
import io.jllm.RequestOutput;
import io.jllm.chat.Answer;
import io.jllm.chat.ToolCall;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** The library's answers as LangChain4j's. */
final class Answers {
    private Answers() {
    }

    /** @param reason why it ended, as {@link io.jllm.Request.Chat#finishReason} says */
    static ChatResponse response(ChatAsk ask, Answer answer, io.jllm.FinishReason reason, RequestOutput output) {
        CompletionOutput sequence = output.outputs().getFirst();
        var metadata = JllmChatResponseMetadata.builder()
                .id("chat-" + UUID.randomUUID())
                .modelName(ask.modelName())
                .tokenUsage(new TokenUsage(output.metrics().promptTokens(), output.metrics().generatedTokens()))
                .finishReason(finishReason(reason))
                .logprobs(ask.logprobs() ? sequence.logprobs() : List.of())
                .stopReason(sequence.stopReason())
                .metrics(Optional.of(output.metrics()));
        return ChatResponse.builder().aiMessage(message(answer)).metadata(metadata.build()).build();
    }

    private static AiMessage message(Answer answer) {
        boolean silent = answer.content().isEmpty() && !answer.toolCalls().isEmpty();
        return AiMessage.builder().text(silent ? null : answer.content()).thinking(answer.reasoning().orElse(null))
                .toolExecutionRequests(answer.toolCalls().stream().map(Answers::request).toList()).build();
    }

    static ToolExecutionRequest request(ToolCall call) {
        return ToolExecutionRequest.builder().id(call.id()).name(call.name()).arguments(call.arguments()).build();
    }

    /** The answer without calls behind the first. */
    static Answer firstCall(Answer answer) {
        return answer.toolCalls().isEmpty() ? answer
                : new Answer(answer.content(), answer.reasoning(), answer.toolCalls().subList(0, 1), Optional.empty());
    }

    private static FinishReason finishReason(io.jllm.FinishReason reason) {
        return switch (reason) {
            case STOP -> FinishReason.STOP;
            case LENGTH -> FinishReason.LENGTH;
            case TOOL_CALLS -> FinishReason.TOOL_EXECUTION;
            case CANCELLED, ERROR -> FinishReason.OTHER;
        };
    }
}
