package io.jllm.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.memory.chat.MessageWindowChatMemory;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.V;
import io.jllm.LLM;
import io.jllm.chat.ChatOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** With a real instruct model, as far as one of 135 million parameters goes. */
class RealModelTest {
    private static final Path MODEL = Path.of(System.getProperty("jllm.shared", ""), "models/SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf");
    private static final String CAPITAL = "What is the capital of Germany?";
    private static LLM llm;

    @BeforeAll
    static void open() {
        assumeTrue(Files.exists(MODEL), "skipped: -Djllm.shared names no folder with " + MODEL);
        llm = LLM.load(MODEL).backend("cpu").maxContext(2048).open();
    }

    @AfterAll
    static void close() {
        if (llm != null) {
            llm.close();
        }
    }

    private static JllmChatModelBuilder<JllmChatModel> builder() {
        return JllmChatModel.builder(llm).temperature(0).maxOutputTokens(60);
    }

    @Test
    void answersWholeAndInPieces() {
        var request = ChatRequest.builder().messages(SystemMessage.from("You answer in one sentence."), UserMessage.from(CAPITAL)).build();
        ChatResponse whole = builder().build().chat(request);
        assertTrue(whole.aiMessage().text().contains("Berlin"), whole.toString());
        assertEquals(FinishReason.STOP, whole.metadata().finishReason());
        var heard = new Heard();
        JllmStreamingChatModel.builder(llm).temperature(0).maxOutputTokens(60).build().chat(request, heard);
        assertEquals(whole.aiMessage(), heard.response.join().aiMessage());
        assertEquals(whole.aiMessage().text(), heard.text());
        assertEquals(whole.metadata().tokenUsage(), heard.response.join().metadata().tokenUsage());
    }

    @Test
    void theConversationIsKnown() {
        var talk = List.of(UserMessage.from("Hi, my favorite color is green."), AiMessage.from("Nice to meet you."),
                UserMessage.from("What is my favorite color?"));
        assertTrue(builder().build().chat(List.copyOf(talk)).aiMessage().text().contains("green"));
    }

    private enum Continent { EUROPE, ASIA, AFRICA }

    private record Country(@JsonProperty(required = true) String capital, @JsonProperty(required = true) Continent continent,
                           List<String> neighbours) {
    }

    /** What a service is asked. */
    private interface Geographer {
        @dev.langchain4j.service.UserMessage("Tell the capital, the continent and two neighbours of {{country}}.")
        Country describe(@V("country") String country);
    }

    @Test
    void objectsAlwaysParse() {
        Geographer geographer = AiServices.builder(Geographer.class).chatModel(builder().maxOutputTokens(200).build())
                .chatMemory(MessageWindowChatMemory.withMaxMessages(10)).build();
        for (String country : List.of("Germany", "France", "Japan", "Nowhere", "{\"}")) {
            Country answer = geographer.describe(country);
            assertTrue(answer.capital() != null && answer.continent() != null, answer.toString());
        }
        String json = builder().build().chat(ChatRequest.builder().messages(UserMessage.from(CAPITAL)).responseFormat(ResponseFormat.JSON).build())
                .aiMessage().text();
        assertTrue(json.startsWith("{") && json.endsWith("}"), json);
    }

    @Test
    void countsAreThoseOfItsTemplate() {
        var estimator = new JllmTokenCountEstimator(llm);
        var begin = new JllmTokenCountEstimator(llm, ChatOptions.defaults());
        var request = List.of(SystemMessage.from("Be brief."), UserMessage.from(CAPITAL));
        int prompt = builder().build().chat(List.copyOf(request)).metadata().tokenUsage().inputTokenCount();
        int begun = llm.tokenizer().encode("<|im_start|>assistant\n", false, true).length;
        assertEquals(prompt, estimator.estimateTokenCountInMessages(List.copyOf(request)) + begun);
        assertEquals(begin.estimateTokenCountInText(CAPITAL), estimator.estimateTokenCountInText(CAPITAL));
    }
}
