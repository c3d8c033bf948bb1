package io.jllm.langchain4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.memory.chat.TokenWindowChatMemory;
import dev.langchain4j.model.embedding.request.EmbeddingRequest;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.chat.ChatOptions;
import io.jllm.demo.DemoModel;
import io.jllm.embedding.EmbeddingParams;
import io.jllm.embedding.Pooling;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class CountsAndVectorsTest {
    /** Takes no conversation that the user does not begin. */
    private static final ChatOptions STRICT = ChatOptions.builder().template("""
            {%- if messages[0].role == 'assistant' %}{{ raise_exception('the user begins') }}{% endif -%}
            {%- for m in messages %}<|im_start|>{{ m.role }}
            {{ m.content }}{% for c in m.tool_calls or [] %}{{ c.function | tojson }}{% endfor %}<|im_end|>
            {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
            {% endif %}""").build();
    private static LLM llm;

    @BeforeAll
    static void open() {
        llm = LLM.load(DemoModel.path()).threads(1).open();
    }

    @AfterAll
    static void close() {
        llm.close();
    }

    @Test
    void countsAreThoseOfPrompts() {
        var estimator = new JllmTokenCountEstimator(llm, STRICT);
        String text = "There was once a poor woodcutter.";
        assertEquals(llm.tokenizer().encode(text, false, false).length, estimator.estimateTokenCountInText(text));
        List<ChatMessage> talk = List.of(SystemMessage.from("Tell tales."), UserMessage.from("Begin."), AiMessage.from(text),
                UserMessage.from("Go on."));
        var model = JllmChatModel.builder(llm).chatOptions(STRICT.toBuilder().addGenerationPrompt(false).build()).maxOutputTokens(1).build();
        assertEquals(model.chat(talk).metadata().tokenUsage().inputTokenCount(), estimator.estimateTokenCountInMessages(talk));
        int sum = talk.stream().mapToInt(estimator::estimateTokenCountInMessage).sum();
        assertEquals(estimator.estimateTokenCountInMessages(talk), sum, 2 * talk.size());
        List<ChatMessage> later = talk.subList(2, 4);
        assertEquals(later.stream().mapToInt(estimator::estimateTokenCountInMessage).sum(), estimator.estimateTokenCountInMessages(later));
        assertEquals(0, estimator.estimateTokenCountInMessages(List.of()));
    }

    @Test
    void callsAndResultsCount() {
        var estimator = new JllmTokenCountEstimator(llm, STRICT);
        var call = ToolExecutionRequest.builder().id("1").name("roll").arguments("{\"sides\": 6}").build();
        assertTrue(estimator.estimateTokenCountInMessage(AiMessage.from(call)) > estimator.estimateTokenCountInMessage(AiMessage.from("")));
        assertTrue(estimator.estimateTokenCountInMessage(ToolExecutionResultMessage.from(call, "five")) > 0);
        var withoutTemplate = new JllmTokenCountEstimator(llm);
        assertEquals(withoutTemplate.estimateTokenCountInText("Begin."), withoutTemplate.estimateTokenCountInMessage(UserMessage.from("Begin.")));
    }

    @Test
    void aMemoryKeepsToItsTokens() {
        var memory = TokenWindowChatMemory.withMaxTokens(60, new JllmTokenCountEstimator(llm, STRICT));
        for (int i = 0; i < 30; i++) {
            memory.add(i % 2 == 0 ? UserMessage.from("Tale number " + i) : AiMessage.from("There was a king."));
        }
        assertTrue(memory.messages().size() > 1 && memory.messages().size() < 10, memory.messages().toString());
    }

    @Test
    void vectorsAreTheLibrarys() {
        EmbeddingParams params = EmbeddingParams.defaults().withPooling(Pooling.MEAN);
        var model = JllmEmbeddingModel.builder(llm).modelName("tales").params(params).build();
        assertArrayEquals(llm.embed(List.of(Prompt.of("a king")), params).getFirst().vector(), model.embed("a king").content().vector());
        assertEquals(512, model.dimension());
        var shorter = model.embed(EmbeddingRequest.builder().input("a king").dimensions(64).build());
        assertEquals(64, shorter.embeddings().getFirst().dimension());
        assertEquals("tales", shorter.metadata().modelName());
        assertThrows(InvalidRequestException.class, () -> model.embed(EmbeddingRequest.builder().input("a king").dimensions(100_000).build()));
        assertThrows(InvalidRequestException.class, () -> model.embedAll(List.of(TextSegment.from("short"), TextSegment.from("long ".repeat(3000)))));
    }
}
