package io.jllm.springai;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.LLM;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.client.ChatClient;

/** A model that was taught to talk, by its own template. */
class InstructModelTest {
    record Capital(String country, String capital) {
    }

    @Test
    void answersQuestions() {
        Path file = Path.of(System.getProperty("jllm.shared", "")).resolve("models/SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf");
        assumeTrue(Files.exists(file), "-Djllm.shared names no folder with models/SmolLM2-135M-Instruct");
        try (LLM llm = LLM.load(file).maxContext(1024).open()) {
            ChatClient client = ChatClient.create(JllmChatModel.builder(llm).options(Talks.greedy(60).build()).build());
            String text = client.prompt("Name the capital of Italy.").call().content();
            assertTrue(text.contains("Rome"), text);
            Capital italy = client.prompt("Name Italy and its capital in JSON.").call().entity(Capital.class, e -> e.useProviderStructuredOutput());
            assertNotNull(italy.capital());
        }
    }
}
