package io.jllm.springai;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.ai.document.Document;
import org.springframework.ai.document.MetadataMode;
import org.springframework.ai.embedding.EmbeddingOptions;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.embedding.EmbeddingResponse;

class JllmEmbeddingModelTest {
    @Test
    void vectors() {
        try (LLM llm = Talks.open()) {
            var model = JllmEmbeddingModel.builder(llm).modelName(Talks.NAME).build();
            EmbeddingResponse response = model.call(new EmbeddingRequest(List.of("a fox", "a crow"), EmbeddingOptions.builder().build()));
            assertArrayEquals(llm.embed("a fox"), response.getResults().get(0).getOutput());
            assertArrayEquals(llm.embed("a crow"), model.embed("a crow"));
            assertEquals(List.of(0, 1), response.getResults().stream().map(e -> e.getIndex()).toList());
            assertEquals(Talks.NAME, response.getMetadata().getModel());
            assertTrue(response.getMetadata().getUsage().getPromptTokens() >= 4);
            assertEquals(model.embed("a").length, model.dimensions());
            var options = EmbeddingOptions.builder().dimensions(8).build();
            assertEquals(8, model.call(new EmbeddingRequest(List.of("a"), options)).getResult().getOutput().length);

            var document = new Document("a fox", Map.of("source", "fables"));
            assertArrayEquals(llm.embed(document.getFormattedContent(MetadataMode.EMBED)), model.embed(document));
            var bare = JllmEmbeddingModel.builder(llm).metadataMode(MetadataMode.NONE).build();
            assertArrayEquals(llm.embed(document.getFormattedContent(MetadataMode.NONE)), bare.embed(document));

            var estimator = new JllmTokenCountEstimator(llm.tokenizer());
            assertEquals(llm.tokenizer().encode("a fox", false, false).length, estimator.estimate("a fox"));

            refused(() -> model.call(new EmbeddingRequest(List.of(), EmbeddingOptions.builder().build())), "at least one text");
            refused(() -> model.call(new EmbeddingRequest(List.of("a"), EmbeddingOptions.builder().model("x").build())), "model is x");
            refused(() -> model.call(new EmbeddingRequest(List.of("a"), EmbeddingOptions.builder().dimensions(100_000).build())), "100000");
        }
    }

    private static void refused(Runnable call, String words) {
        String said = assertThrows(IllegalArgumentException.class, call::run).getMessage();
        assertTrue(said.contains(words), said);
    }
}
