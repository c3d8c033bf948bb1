package io.jllm.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.LLM;
import io.jllm.LlmBuilder;
import io.jllm.ModelLoadException;
import io.jllm.Prompt;
import io.jllm.SamplingParams;
import io.jllm.embedding.EmbeddingParams;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Vectors of texts on the oracle. */
class EmbeddingTest extends EmbeddingContract {
    private static final List<Prompt> PROMPT = List.of(Prompt.ofTokens(71, 294, 35, 133, 63));

    @Override
    protected LlmBuilder on(LlmBuilder builder) {
        return builder.backend("reference");
    }

    /** As transformers saves {@code AutoModel}: no output matrix, which vectors do not need. */
    @Test
    void modelsWithoutOutputMatrix(@TempDir Path folder) throws IOException {
        Path whole = Path.of(System.getProperty("jllm.shared", ""), "oracles/families/olmo2");
        assumeTrue(Files.isDirectory(whole), "skipped: -Djllm.shared names no folder with oracles/families/olmo2");
        change(whole, folder, "model.safetensors", "\"lm_head.weight\"", "\"left_out.value\"");
        change(whole, folder, "config.json", "Olmo2ForCausalLM", "Olmo2Model");
        try (LLM llm = on(LLM.load(whole)).open(); LLM body = on(LLM.load(folder)).open()) {
            assertArrayEquals(llm.embed(PROMPT, EmbeddingParams.defaults()).getFirst().vector(),
                    body.embed(PROMPT, EmbeddingParams.defaults()).getFirst().vector());
            var refused = body.generate(PROMPT, SamplingParams.builder().maxTokens(3).build()).getFirst().error().orElseThrow();
            assertTrue(refused.getMessage().contains("no output matrix"), refused.getMessage());
        }
        change(whole, folder, "config.json", "", "");
        var missing = assertThrows(ModelLoadException.class, () -> on(LLM.load(folder)).open());
        assertTrue(missing.getMessage().contains("output.weight"), missing.getMessage());
    }

    /** Copies a file with some bytes, which it has once, as others. */
    private static void change(Path from, Path to, String file, String bytes, String others) throws IOException {
        String before = Files.readString(from.resolve(file), StandardCharsets.ISO_8859_1);
        String after = before.replace(bytes, others);
        assertEquals(bytes.equals(others), before.equals(after), file + " has " + bytes);
        Files.writeString(to.resolve(file), after, StandardCharsets.ISO_8859_1);
    }
}
