package io.jllm.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Names, which files they mean, and the environment. */
class ChoiceTest {
    private static final String[] QUANTISED = {"README.md", "model-BF16-00001-of-00002.gguf", "model-BF16-00002-of-00002.gguf", "model-Q8_0.gguf",
        "model-Q4_K_M.gguf", "model-UD-Q4_K_XL.gguf", "Q2_K/model-Q2_K.gguf", "mmproj-model-f16.gguf", "imatrix_model.gguf"};

    private static List<String> chosen(String name, String... files) {
        return choice(name, files).files().stream().map(RemoteFile::path).sorted().toList();
    }

    private static FileChoice choice(String name, String... files) {
        return FileChoice.of(HubName.parse(name), Stream.of(files)
                .map(f -> new RemoteFile(f, 1, new FileDigest(FileDigest.Kind.NONE, "none"))).toList());
    }

    private static String refused(String name, String... files) {
        return assertThrows(HubException.class, () -> choice(name, files)).getMessage();
    }

    @Test
    void quantisations() {
        assertEquals(List.of("model-Q4_K_M.gguf"), chosen("hf:a/b", QUANTISED));
        assertEquals(List.of("model-Q8_0.gguf"), chosen("hf:a/b:q8_0", QUANTISED));
        assertEquals(List.of("Q2_K/model-Q2_K.gguf"), chosen("hf:a/b:Q2_K", QUANTISED));
        assertEquals(List.of("model-UD-Q4_K_XL.gguf"), chosen("hf:a/b:UD-Q4_K_XL", QUANTISED));
        assertEquals(List.of("model-BF16-00001-of-00002.gguf", "model-BF16-00002-of-00002.gguf"), chosen("hf:a/b:BF16", QUANTISED));
        assertEquals(List.of("model-BF16-00001-of-00002.gguf", "model-BF16-00002-of-00002.gguf"),
                chosen("hf:a/b:model-BF16-00001-of-00002.gguf", QUANTISED));
        assertEquals(Optional.of("model-BF16-00001-of-00002.gguf"), choice("hf:a/b:BF16", QUANTISED).open());
        assertEquals(List.of("mmproj-model-f16.gguf"), chosen("hf:a/b:mmproj-model-f16.gguf", QUANTISED), "whoever asks for it gets it");
        assertTrue(refused("hf:a/b:Q3_K", QUANTISED).contains("model-Q8_0.gguf"));
        assertTrue(refused("hf:a/b:Q4_K", QUANTISED).contains("no GGUF file of Q4_K"), "no part of a word");
        assertTrue(refused("hf:a/b:F16", "mmproj-F16.gguf", "m-Q8_0.gguf").contains("no GGUF file of F16"));
        assertTrue(refused("hf:a/b:other.gguf", QUANTISED).contains("no file other.gguf"));
        assertTrue(refused("hf:a/b", "m-00001-of-00003.gguf", "m-00003-of-00003.gguf").contains("in 3 files, of which 2"));
        assertEquals(List.of("m-IQ4_NL.gguf"), chosen("hf:a/b", "m-F16.gguf", "m-IQ4_NL.gguf"));
        assertEquals(List.of("m-F16.gguf"), chosen("hf:a/b", "m-F16.gguf", "m-Q8_0.gguf"));
    }

    @Test
    void folders() {
        String[] files = {"config.json", "generation_config.json", "chat_template.jinja", "tokenizer.model", "merges.txt", "qwen.tiktoken",
            "additional_chat_templates/rag.jinja", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
            "consolidated.safetensors", "pytorch_model.bin", "onnx/config.json", "flax_model.msgpack", "README.md", "model.py"};
        assertEquals(List.of("additional_chat_templates/rag.jinja", "chat_template.jinja", "config.json", "generation_config.json", "merges.txt",
                "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "qwen.tiktoken", "tokenizer.model"),
                chosen("hf:a/b", files));
        assertEquals(Optional.empty(), choice("hf:a/b", files).open());
        assertEquals(List.of("config.json", "pytorch_model-1.bin"), chosen("hf:a/b", "config.json", "pytorch_model-1.bin", "optimizer.bin"));
        assertEquals(List.of("config.json", "consolidated.safetensors"), chosen("hf:a/b", "config.json", "consolidated.safetensors"));
        assertTrue(refused("hf:a/b", "config.json", "model.onnx").contains("config.json, model.onnx"));
        assertTrue(refused("hf:a/b").contains("no files"));
        assertTrue(refused("hf:a/b:Q8_0", "config.json", "model.safetensors").contains("none at all"));
    }

    @Test
    void names() {
        HubName full = HubName.parse("hf:Qwen/Qwen3-0.6B-GGUF@refs/pr/1:sub/file.gguf");
        assertEquals(new HubName(HubName.Place.HF, "Qwen/Qwen3-0.6B-GGUF", Optional.of("refs/pr/1"), Optional.of("sub/file.gguf")), full);
        assertEquals("hf:Qwen/Qwen3-0.6B-GGUF@refs/pr/1:sub/file.gguf", full.toString());
        assertEquals("llama3.2", HubName.parse("ollama:llama3.2:1b").id());
        assertEquals(Optional.of("1b"), HubName.parse("ollama:llama3.2:1b").choice());
        assertTrue(HubName.isName("ms:a/b"));
        assertFalse(HubName.isName("model.gguf"));
        assertFalse(HubName.isName("C:\\model.gguf"));
        for (String bad : List.of("hf:", "hf:a", "hf:a/b/c", "hf:a/..", "hf:/b", "hf:a/b@", "hf:a/b:", "hf:a/b@x/../y", "hf:a/b:../x.gguf", "xx:a/b",
                "hf:a b/c", "ollama:a/b/c", "ollama:a@v", "hf:a/b@-x")) {
            assertTrue(assertThrows(IllegalArgumentException.class, () -> HubName.parse(bad), bad).getMessage().contains("hf:owner/name"), bad);
        }
    }

    @Test
    void environments(@TempDir Path home) throws Exception {
        HubSettings plain = HubSettings.of(Map.of(), home);
        assertEquals(URI.create("https://huggingface.co"), plain.huggingFace().endpoint());
        assertEquals(home.resolve(".cache/huggingface/hub"), plain.huggingFace().cache());
        assertEquals(home.resolve(".cache/modelscope"), plain.modelScope().cache());
        assertEquals(Optional.empty(), plain.huggingFace().token());
        assertFalse(plain.offline());
        Files.createDirectories(home.resolve(".cache/huggingface"));
        Files.writeString(home.resolve(".cache/huggingface/token"), "hf_file\n");
        assertEquals(Optional.of("hf_file"), HubSettings.of(Map.of(), home).huggingFace().token());
        assertEquals(Optional.empty(), HubSettings.of(Map.of("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"), home).huggingFace().token());
        HubSettings all = HubSettings.of(Map.of("HF_ENDPOINT", "https://hf-mirror.com/", "HF_TOKEN", " hf_x ", "HF_HOME", "/h", "HF_HUB_OFFLINE",
                "YES", "HF_HUB_DOWNLOAD_TIMEOUT", "33", "MODELSCOPE_ENDPOINT", "www.modelscope.ai", "MODELSCOPE_CACHE", "/m", "OLLAMA_MODELS", "/o",
                "MODELSCOPE_API_TOKEN", "ms", "HF_HUB_DISABLE_SYMLINKS", "true"), home);
        assertEquals("https://hf-mirror.com with a token, cache /h/hub", all.huggingFace().toString());
        assertEquals("https://www.modelscope.ai with a token, cache /m", all.modelScope().toString());
        assertEquals(Path.of("/o"), all.ollama());
        assertTrue(all.offline() && !all.links());
        assertEquals(Duration.ofSeconds(33), all.timeout());
        assertEquals(Path.of("/c"), HubSettings.of(Map.of("HF_HUB_CACHE", "/c", "HF_HOME", "/h"), home).huggingFace().cache());
        for (Map<String, String> bad : List.of(Map.of("HF_ENDPOINT", "ftp://x"), Map.of("HF_HUB_DOWNLOAD_TIMEOUT", "soon"),
                Map.of("HF_TOKEN", "a\nb"))) {
            assertThrows(IllegalArgumentException.class, () -> HubSettings.of(bad, home), bad.toString());
        }
    }
}
