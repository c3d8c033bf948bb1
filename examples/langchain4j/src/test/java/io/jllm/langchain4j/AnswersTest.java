package io.jllm.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import io.jllm.LLM;
import io.jllm.StopReason;
import io.jllm.chat.Answer;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.ToolCall;
import io.jllm.demo.DemoModel;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What answers hold, whole and as they come. */
class AnswersTest {
    static final ChatOptions OPTIONS = ChatOptions.builder().template("""
            {% if tools %}<tool_call>{% endif %}{% if enable_thinking is defined and not enable_thinking %}At once.{% endif %}
            {%- for m in messages %}{{ m.role }}: {{ m.content }}
            {{ m.tool_calls or '' }}{% endfor %}""").build();
    private static LLM llm;

    @BeforeAll
    static void open() {
        llm = LLM.load(DemoModel.path()).threads(1).open();
    }

    @AfterAll
    static void close() {
        llm.close();
    }

    private static JllmChatModel model() {
        return JllmChatModel.builder(llm).chatOptions(OPTIONS).maxOutputTokens(20).build();
    }

    private static ChatResponse ask(ChatRequestParameters parameters) {
        return model().chat(request(parameters));
    }

    private static ChatRequest request(ChatRequestParameters parameters) {
        return ChatRequest.builder().messages(UserMessage.from("Once upon a time there was")).parameters(parameters).build();
    }

    private static String text(ChatRequestParameters parameters) {
        return ask(parameters).aiMessage().text();
    }

    private static JllmChatRequestParameters.Builder own() {
        return JllmChatRequestParameters.builder().seed(3).temperature(1.0);
    }

    /** Each parameter does what it says: it makes the answer greedy, or another one than without it. */
    @Test
    void eachParameterCounts() {
        String greedy = text(DefaultChatRequestParameters.builder().temperature(0.0).build());
        String drawn = text(own().build());
        assertEquals(drawn, text(own().build()));
        assertNotEquals(greedy, drawn);
        assertNotEquals(drawn, text(own().seed(4).build()));
        assertEquals(greedy, text(own().topK(1).build()));
        assertEquals(greedy, text(own().topP(0.0).build()));
        assertEquals(greedy, text(own().minP(1).build()));
        assertNotEquals(greedy, text(own().temperature(0.0).repetitionPenalty(3).build()));
        assertNotEquals(drawn, text(own().frequencyPenalty(2.0).presencePenalty(2.0).build()));
        assertEquals(ask(own().maxOutputTokens(7).build()).metadata().tokenUsage().outputTokenCount(), 7);
        String stop = drawn.substring(drawn.length() / 2, drawn.length() / 2 + 5);
        ChatResponse stopped = ask(own().stopSequences(stop).build());
        assertEquals(drawn.substring(0, drawn.indexOf(stop)), stopped.aiMessage().text());
        assertEquals(FinishReason.STOP, stopped.metadata().finishReason());
        assertEquals(Optional.of(new StopReason.Text(stop)), ((JllmChatResponseMetadata) stopped.metadata()).stopReason());
    }

    @Test
    void logprobsAreForThoseWhoAsk() {
        var without = (JllmChatResponseMetadata) ask(own().build()).metadata();
        assertEquals(List.of(), without.logprobs());
        var with = (JllmChatResponseMetadata) ask(own().logprobs(3).build()).metadata();
        assertEquals(with.tokenUsage().outputTokenCount(), with.logprobs().size());
        assertEquals(3, with.logprobs().getFirst().topIds().length);
        assertTrue(with.metrics().orElseThrow().promptTokens() == with.tokenUsage().inputTokenCount());
        assertEquals(with, with.toBuilder().build());
        assertNotEquals(with.id(), without.id());
    }

    @Test
    void thinkingAndVariablesReachTheTemplate() {
        int without = ask(own().build()).metadata().tokenUsage().inputTokenCount();
        assertTrue(ask(own().thinking(false).build()).metadata().tokenUsage().inputTokenCount() > without);
        assertEquals(without, ask(own().thinking(true).build()).metadata().tokenUsage().inputTokenCount());
        assertTrue(ask(own().templateVariable("enable_thinking", "false").build()).metadata().tokenUsage().inputTokenCount() > without);
    }

    @Test
    void thinkingComesApart() {
        LLM scripted = ScriptedLlm.over(llm, (_, _, _) -> new Answer("It is four.", Optional.of("Two and two..."), List.of(), Optional.empty()));
        ChatResponse whole = JllmChatModel.builder(scripted).chatOptions(OPTIONS).build().chat(request(own().build()));
        assertEquals("It is four.", whole.aiMessage().text());
        assertEquals("Two and two...", whole.aiMessage().thinking());
        var heard = new Heard();
        JllmStreamingChatModel.builder(scripted).chatOptions(OPTIONS).build().chat(request(own().build()), heard);
        assertEquals(whole.aiMessage(), heard.response.join().aiMessage());
        assertEquals("Two and two...", heard.thinking());
        assertEquals("It is four.", heard.text());
        assertTrue(heard.order.lastIndexOf("thinking") < heard.order.indexOf("text"));
    }

    /** Of several calls only the first counts where one is wanted, and a stream ends behind it. */
    @Test
    void oneCallAtATime() {
        var roll = new ToolCall("", "roll", "{\"sides\": 6}");
        LLM scripted = ScriptedLlm.over(llm, (_, _, _) -> new Answer("", Optional.empty(), List.of(roll, roll, roll), Optional.empty()));
        var several = JllmChatRequestParameters.builder().toolSpecifications(ToolSpecification.builder().name("roll").build()).build();
        var one = several.overrideWith(JllmChatRequestParameters.builder().parallelToolCalls(false).build());
        var model = JllmChatModel.builder(scripted).chatOptions(OPTIONS).build();
        assertEquals(3, model.chat(request(several)).aiMessage().toolExecutionRequests().size());
        ChatResponse whole = model.chat(request(one));
        assertEquals(1, whole.aiMessage().toolExecutionRequests().size());
        assertEquals(FinishReason.TOOL_EXECUTION, whole.metadata().finishReason());
        assertNull(whole.aiMessage().text());
        var heard = new Heard();
        JllmStreamingChatModel.builder(scripted).chatOptions(OPTIONS).build().chat(request(one), heard);
        ChatResponse streamed = heard.response.join();
        assertEquals(1, streamed.aiMessage().toolExecutionRequests().size());
        assertEquals(FinishReason.TOOL_EXECUTION, streamed.metadata().finishReason());
        assertEquals(List.of("call", "complete"), heard.order.subList(heard.order.size() - 2, heard.order.size()));
        assertEquals(1, heard.calls.size());
        assertTrue(heard.pieces.stream().allMatch(p -> p.index() == 0));
    }

    @Test
    void cancellingFreesTheRequest() {
        var heard = new Heard();
        JllmStreamingChatModel.builder(llm).chatOptions(OPTIONS).maxOutputTokens(900).build().chat(request(own().build()), heard);
        var handle = heard.handle.join();
        assertFalse(handle.isCancelled());
        handle.cancel();
        assertTrue(handle.isCancelled());
        while (llm.metrics().running() > 0) {
            Thread.onSpinWait();
        }
        handle.cancel();
        assertFalse(heard.response.isDone());
    }

    @Test
    void parametersOverrideEachOther() {
        var all = JllmChatRequestParameters.builder().modelName("m").seed(1).minP(0.1).repetitionPenalty(1.1).logprobs(2).thinking(true)
                .parallelToolCalls(false).strictTools(true).priority(-1).timeout(Duration.ofHours(1)).templateVariable("a", "1").build();
        assertEquals(all, JllmChatRequestParameters.builder().build().overrideWith(all));
        assertEquals(all, all.overrideWith(JllmChatRequestParameters.builder().build()));
        assertEquals(all, all.defaultedBy(DefaultChatRequestParameters.EMPTY));
        assertEquals(all, DefaultChatRequestParameters.EMPTY.overrideWith(all));
        var other = JllmChatRequestParameters.builder().modelName("m").seed(2).build();
        assertEquals(2, all.overrideWith(other).seed().getAsLong());
        assertEquals(0.1, all.overrideWith(other).minP().getAsDouble());
        assertEquals(1, all.defaultedBy(other).seed().getAsLong());
        assertNotEquals(all, other);
        assertTrue(all.toString().contains("repetitionPenalty=1.1"), all.toString());
    }
}
