package io.jllm.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.ModelLoadException;
import io.jllm.SamplingParams;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.ChatTemplateException;
import io.jllm.chat.Message;
import io.jllm.json.ConfigJson;
import io.jllm.model.GoldenModel;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What lies where a model's file should be, and paths that lead to no model. */
class StrangeFilesTest {
    private static final String POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123456789\n";

    @TempDir
    private Path dir;
    private Path folder;

    @BeforeEach
    void model() throws IOException {
        folder = GoldenModel.unpack("llama-tied", "config.json", dir);
    }

    private static void fails(Path path, String... words) {
        var e = assertThrows(ModelLoadException.class, () -> ModelFiles.open(path));
        said(e, words);
    }

    private static void said(ModelLoadException e, String... words) {
        for (String word : words) {
            assertTrue(e.getMessage().contains(word), word + " is not in: " + e.getMessage());
        }
        assertEquals(1, e.getMessage().lines().count(), e.getMessage());
        for (Throwable t = e; t != null; t = t.getCause()) {
            String message = String.valueOf(t.getMessage());
            assertFalse(message.contains("JsonReader") || message.contains("gson"), message);
        }
    }

    @ParameterizedTest
    @CsvSource({"config.json", "model.safetensors"})
    void pointersAndPages(String name) throws IOException {
        Path file = folder.resolve(name);
        Files.writeString(file, POINTER);
        fails(folder, file.toString(), "is a Git LFS pointer, which stands for a file of 123456789 bytes: run git lfs pull");
        Files.writeString(file, "<!doctype html><title>Sign in</title>");
        fails(folder, file.toString(), "is an HTML page: download the file itself");
        Files.writeString(file, "Entry not found");
        fails(folder, file.toString(), "begins \"Entry not found\"");
        Files.writeString(file, "Unauthorized");
        fails(folder, file.toString(), "begins \"Unauthorized\"");
        Files.writeString(file, "{\"error\":\"Repository not found\"}");
        fails(folder, file.toString(), "Repository not found", "download the file itself");
        Files.write(file, new byte[0]);
        fails(folder, file.toString(), "is empty");
        Files.write(file, "PK\3\4 model.gguf".getBytes(StandardCharsets.US_ASCII));
        fails(folder, file.toString(), "is a zip archive: unpack it first");
    }

    @Test
    void aTokenizerThatIsAPointer() throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), POINTER);
        try (var model = ModelFiles.open(folder)) {
            said(assertThrows(ModelLoadException.class, model::tokenizer), "tokenizer.json is a Git LFS pointer");
        }
        Files.delete(folder.resolve("tokenizer.json"));
        Files.createSymbolicLink(folder.resolve("tokenizer.json"), Path.of("../blobs/1f"));
        try (var model = ModelFiles.open(folder)) {
            said(assertThrows(ModelLoadException.class, model::tokenizer), "tokenizer.json", "is a link to ../blobs/1f, where nothing is");
        }
    }

    @Test
    void textsThatAreNoUtf8() throws IOException {
        Path config = folder.resolve("config.json");
        String json = Files.readString(config);
        Files.writeString(config, json, StandardCharsets.UTF_16);
        fails(folder, config.toString(), "is UTF-16 text", "save it as UTF-8");
        Files.writeString(config, "{\"name\": \"K\u00f6nig\"," + json.substring(1), StandardCharsets.ISO_8859_1);
        fails(folder, config.toString(), "is not UTF-8 text");
        Files.writeString(config, "\ufeff" + json);
        ModelFiles.open(folder).close();
        Files.writeString(config, "{\"model_type\": \"llama\"");
        fails(folder, config + " is not valid JSON: ");
        Files.writeString(config, "{\"a\":".repeat(100_000));
        fails(folder, config + " is not valid JSON: Nesting limit");
        Files.writeString(config, "[1]");
        fails(folder, config + " does not hold a JSON object");
    }

    /** It makes suggestions only. */
    @Test
    void generationConfigThatCannotBeRead() throws IOException {
        Path generation = folder.resolve("generation_config.json");
        for (String text : new String[] {POINTER, "<html>", "", "{\"temperature\": 0.5", "[]", "{\"error\":\"Entry not found\"}",
                "x".repeat(17 << 20)}) {
            Files.writeString(generation, text);
            try (var warnings = new Warnings(); var model = ModelFiles.open(folder)) {
                assertEquals(SamplingParams.neutral(), model.defaults());
                warnings.one(generation.toString(), "The model is loaded without the settings that are in this file");
            }
        }
        Files.writeString(generation, "{\"temperature\": 0.5, \"top_p\": 0, \"eos_token_id\": -1}");
        try (var warnings = new Warnings(); var model = ModelFiles.open(folder)) {
            assertEquals(0.5f, model.defaults().temperature());
            warnings.some(generation + ": eos_token_id is -1");
        }
    }

    @Test
    void modelsInArchives() throws IOException {
        Path gguf = new TinyGguf().write(dir.resolve("tiny.gguf"));
        FileSystem zip = FileSystems.newFileSystem(dir.resolve("models.zip"), Map.of("create", "true"));
        try (zip) {
            Files.createDirectories(zip.getPath("/llama"));
            for (String name : new String[] {"config.json", "model.safetensors"}) {
                Files.copy(folder.resolve(name), zip.getPath("/llama", name));
            }
            Files.copy(gguf, zip.getPath("/tiny.gguf"));
            fails(zip.getPath("/tiny.gguf"), "/tiny.gguf", "cannot be mapped into memory: copy the model to a folder on disk first");
            fails(zip.getPath("/llama"), "/llama/model.safetensors", "copy the model to a folder on disk first");
            fails(zip.getPath("/absent.gguf"), "there is no file /absent.gguf");
        }
        fails(zip.getPath("/tiny.gguf"), "its file system is closed");
        fails(Path.of(URI.create("jrt:/java.base/module-info.class")), "(jrt)", "copy the model to a folder on disk first");
        fails(Path.of(URI.create("jrt:/java.base")), "has no config.json");
    }

    @Test
    void linksAndPipes() throws Exception {
        Path config = folder.resolve("config.json");
        Files.delete(config);
        Files.createSymbolicLink(config, Path.of("../../blobs/0a"));
        fails(folder, config.toString(), "is a link to ../../blobs/0a, where nothing is", "cp -L");
        Path a = dir.resolve("a.gguf");
        Files.createSymbolicLink(dir.resolve("b.gguf"), a);
        Files.createSymbolicLink(a, dir.resolve("b.gguf"));
        fails(a, "cannot read " + a, "a circle of links");
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/mkfifo")), "needs mkfifo, which makes pipes that have a name");
        Files.delete(config);
        for (Path pipe : new Path[] {config, dir.resolve("pipe.gguf")}) {
            assertEquals(0, new ProcessBuilder("/usr/bin/mkfifo", pipe.toString()).start().waitFor());
            fails(pipe.equals(config) ? folder : pipe, pipe.toString(), "neither a file nor a folder");
        }
    }

    /** Those of vocabularies and templates, which are read as a whole: none waits for a pipe, or reads a device that never ends. */
    @ParameterizedTest
    @ValueSource(strings = {"tokenizer.model", "qwen.tiktoken", "merges.txt", "chat_template.jinja", "modules.json"})
    void devicesAndLinksThatLeadNowhere(String name) throws Exception {
        Path file = folder.resolve(name);
        if (name.equals("merges.txt")) {
            Files.writeString(folder.resolve("vocab.json"), "{\"a\": 0}");
        }
        for (String to : List.of("/dev/zero", "nowhere")) {
            if (to.equals("/dev/zero") && !Files.exists(Path.of(to))) {
                continue;
            }
            Files.createSymbolicLink(file, Path.of(to));
            String problem = assertThrows(ModelLoadException.class, () -> {
                try (var model = ModelFiles.open(folder)) {
                    switch (name) {
                        case "chat_template.jinja" -> throw new ModelLoadException(assertThrows(ChatTemplateException.class,
                                () -> model.chatTemplate().render(List.of(Message.user("a")), ChatOptions.defaults())).getMessage());
                        case "modules.json" -> PoolingKind.of(folder);
                        default -> model.tokenizer();
                    }
                }
            }).getMessage();
            assertTrue(problem.contains(file.toString()) && problem.contains(to.equals("nowhere") ? "is a link to nowhere, where nothing is"
                    : "is neither a file nor a folder"), problem);
            Files.delete(file);
        }
    }

    @Test
    void filesThatMayNotBeRead() throws IOException {
        Path gguf = new TinyGguf().write(dir.resolve("tiny.gguf"));
        Files.setPosixFilePermissions(gguf, PosixFilePermissions.fromString("---------"));
        assumeFalse(Files.isReadable(gguf), "needs a user who may not read everything");
        fails(gguf, "no permission to read " + gguf, "change its permissions");
        Files.setPosixFilePermissions(folder.resolve("config.json"), PosixFilePermissions.fromString("---------"));
        fails(folder, "no permission to read " + folder.resolve("config.json"));
        for (String mode : new String[] {"---------", "r--------"}) { // the second may be listed, but its files not looked at
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(mode));
            fails(folder, "no permission to read " + folder.resolve("config.json"));
        }
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    }

    @Test
    void foldersNextToTheModel() throws IOException {
        Path cache = Files.createDirectories(dir.resolve("models--a--b"));
        Path version = Files.createDirectories(cache.resolve("snapshots/0a1b"));
        fails(cache, "is one of Hugging Face's cache: give the folder of a version in it: " + version);
        Path adapter = Files.createDirectory(dir.resolve("adapter"));
        Files.createFile(adapter.resolve("adapter_config.json"));
        fails(adapter, "it holds an adapter and no model");
        Path split = Files.createDirectory(dir.resolve("split"));
        for (int i = 1; i <= 3; i++) {
            Files.createFile(split.resolve("m-0000" + i + "-of-00003.gguf"));
        }
        fails(split, "give the file: " + split.resolve("m-00001-of-00003.gguf"));
        Files.delete(folder.resolve("model.safetensors"));
        Files.createFile(folder.resolve("m.gguf"));
        fails(folder, "holds neither model.safetensors", "to load a GGUF file in it, give the file, as " + folder.resolve("m.gguf"));
    }

    @Test
    void absentIsNoError() {
        assertTrue(ConfigJson.read(dir.resolve("absent.json")).isEmpty());
    }
}
