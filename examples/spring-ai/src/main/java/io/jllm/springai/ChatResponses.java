package io.jllm.springai;

import io.jllm.FinishReason;
import io.jllm.RequestOutput;
import io.jllm.chat.Answer;
import io.jllm.chat.AnswerPart;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.metadata.ChatGenerationMetadata;
import org.springframework.ai.chat.metadata.ChatResponseMetadata;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.Generation;

/**
 * Makes Spring AI's responses of answers.
 *
 * @param model the name that they carry
 */
record ChatResponses(String model) {
    /** All of an answer. */
    ChatResponse whole(Answer answer, FinishReason reason, RequestOutput output) {
        return ended(answer.content(), answer, reason, output);
    }

    /** The next piece of a stream; none where there is nothing to show, as while a call is being written. */
    Optional<ChatResponse> piece(long request, List<AnswerPart> parts) {
        String text = text(parts);
        String thought = parts.stream().filter(AnswerPart.Reasoning.class::isInstance).map(p -> ((AnswerPart.Reasoning) p).text())
                .collect(Collectors.joining());
        if (text.isEmpty() && thought.isEmpty()) {
            return Optional.empty();
        }
        Map<String, Object> properties = thought.isEmpty() ? Map.of() : Map.of(JllmChatModel.THINKING_PIECE, thought);
        var message = AssistantMessage.builder().content(text).properties(properties).build();
        return Optional.of(new ChatResponse(List.of(new Generation(message)), metadata(request).build()));
    }

    /**
     * What ends a stream.
     *
     * @param last what came at the end only
     * @param answer all of it
     */
    ChatResponse last(List<AnswerPart> last, Answer answer, FinishReason reason, RequestOutput output) {
        return ended(text(last), answer, reason, output);
    }

    private static String text(List<AnswerPart> parts) {
        return parts.stream().filter(AnswerPart.Content.class::isInstance).map(p -> ((AnswerPart.Content) p).text()).collect(Collectors.joining());
    }

    private ChatResponse ended(String text, Answer answer, FinishReason reason, RequestOutput output) {
        var properties = new HashMap<String, Object>();
        answer.reasoning().ifPresent(thought -> properties.put(JllmChatModel.THINKING, thought));
        var message = AssistantMessage.builder().content(text).properties(properties).toolCalls(answer.toolCalls().stream()
                .map(c -> new AssistantMessage.ToolCall(c.id(), "function", c.name(), c.arguments())).toList()).build();
        ChatGenerationMetadata.Builder generation = ChatGenerationMetadata.builder().finishReason(reason.name());
        answer.reasoning().ifPresent(thought -> generation.metadata(JllmChatModel.THINKING, thought));
        generation.metadata(JllmChatModel.LOGPROBS, output.outputs().getFirst().logprobs());
        RequestOutput.Metrics m = output.metrics();
        var usage = new DefaultUsage(m.promptTokens(), m.generatedTokens(), m.promptTokens() + m.generatedTokens(), m, (long) m.cachedTokens(), null);
        return new ChatResponse(List.of(new Generation(message, generation.build())), metadata(output.requestId()).usage(usage).build());
    }

    private ChatResponseMetadata.Builder metadata(long request) {
        return ChatResponseMetadata.builder().id("jllm-" + request).model(model);
    }
}
