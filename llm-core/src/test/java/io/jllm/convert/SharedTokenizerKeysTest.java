package io.jllm.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.tokenizer.RandomText;
import io.jllm.tokenizer.gguf.GgufTokenizers;
import io.jllm.tokenizer.huggingface.HuggingFaceTokenizers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Real tokenizers of other people, written to GGUF files, where they are at hand. */
class SharedTokenizerKeysTest {
    @ParameterizedTest
    @CsvSource({"deepseek_v3, deepseek-v3, 0", "gemma3, , 0", "llama3_1, llama-bpe, 0", "phi-2, gpt-2, 0", "qwen3, qwen2, 1", "tinyllama, , 0"})
    void theSameIdsFromFolderAndKeys(String name, String pre, int expectedNotes) throws IOException {
        String root = System.getProperty("jllm.shared", "");
        Path folder = Path.of(root, "tokenizers/hf", name);
        assumeTrue(!root.isEmpty() && Files.exists(folder), "needs tokenizers/hf/" + name + " under -Djllm.shared");
        var notes = new ArrayList<String>();
        try (var tokenizer = HuggingFaceTokenizers.fromFolder(folder)) {
            var keys = new GgufMetadata(TokenizerKeys.read(folder, tokenizer, tokenizer.eos(), tokenizer.vocabSize(), new Converter.Progress() {
                @Override
                public void written(String tensor, long bytesDone, long bytesTotal) {
                }

                @Override
                public void note(String message) {
                    notes.add(message);
                }
            }));
            assertEquals(pre, keys.text("tokenizer.ggml.pre").orElse(null));
            assertEquals(expectedNotes, notes.size(), () -> "that it composes characters: " + notes);
            var random = new Random(5);
            try (var written = GgufTokenizers.fromGguf(keys)) {
                for (int i = 0; i < 200; i++) {
                    // no reader of GGUF files composes characters, and all take words such as </s> for ends, whatever their file says
                    var text = Normalizer.normalize(RandomText.of(random, 1 + random.nextInt(200)).replace("</s>", ""), Normalizer.Form.NFC);
                    assertArrayEquals(tokenizer.encode(text, true, true), written.encode(text, true, true), text);
                    assertArrayEquals(tokenizer.encode(text, false, false), written.encode(text, false, false), text);
                }
                assertEquals(List.of(), tokenizer.eos().stream().filter(id -> !written.eos().contains(id)).toList());
            }
        }
    }
}
