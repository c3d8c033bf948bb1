package io.jllm.quant.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.quant.FormatException;
import io.jllm.quant.gguf.GgufFile;
import io.jllm.quant.gguf.GgufWriter;
import io.jllm.quant.safetensors.HuggingFaceWeights;
import io.jllm.quant.safetensors.SafetensorsFile;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Paths that lead to no file that could be mapped. */
class StrangePathsTest {
    @TempDir
    private Path dir;

    private static void refused(Path path, String... words) {
        for (var e : List.of(assertThrows(FormatException.class, () -> GgufFile.open(path)),
                assertThrows(FormatException.class, () -> SafetensorsFile.open(path)))) {
            assertTrue(e.getMessage().startsWith(path + ": "), e.getMessage());
            for (String word : words) {
                assertTrue(e.getMessage().contains(word), word + " is not in: " + e.getMessage());
            }
        }
    }

    @Test
    void filesInArchives() throws IOException {
        Path gguf = dir.resolve("m.gguf");
        GgufWriter.write(gguf, Map.of(), List.of(), GgufWriter.Progress.NONE);
        GgufFile.open(gguf).close();
        try (FileSystem zip = FileSystems.newFileSystem(dir.resolve("m.zip"), Map.of("create", "true"))) {
            Files.copy(gguf, zip.getPath("/m.gguf"));
            refused(zip.getPath("/m.gguf"), "(jar) whose files cannot be mapped into memory", "copy the model to a folder on disk first");
            Files.write(zip.getPath("/model.safetensors"), new byte[] {2, 0, 0, 0, 0, 0, 0, 0, '{', '}'});
            var e = assertThrows(FormatException.class, () -> HuggingFaceWeights.open(zip.getPath("/")));
            assertTrue(e.getMessage().startsWith("/model.safetensors: ") && e.getMessage().contains("copy the model"), e.getMessage());
            assertThrows(NoSuchFileException.class, () -> GgufFile.open(zip.getPath("/absent.gguf")));
        }
    }

    @Test
    void filesOfTheRuntimeImage() {
        refused(Path.of(URI.create("jrt:/java.base/java/lang/Object.class")), "(jrt)", "copy the model to a folder on disk first");
    }

    @Test
    void pipesAreNotWaitedFor() throws Exception {
        Path pipe = dir.resolve("model.safetensors");
        boolean made = Files.isExecutable(Path.of("/usr/bin/mkfifo")) && new ProcessBuilder("/usr/bin/mkfifo", pipe.toString()).start().waitFor()
                == 0;
        assumeTrue(made, "needs mkfifo, which makes pipes that have a name");
        refused(pipe, "neither a file nor a folder", "copy what it gives to a file first");
        assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir));
        Files.move(pipe, dir.resolve("model.safetensors.index.json"));
        assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir));
    }

    @Test
    void devicesAreNotFiles() {
        Path zeros = Path.of("/dev/zero");
        assumeTrue(Files.exists(zeros), "needs /dev/zero");
        refused(zeros, "a pipe, a socket or a device");
    }

    @Test
    void linksThatLeadNowhere() throws IOException {
        Path link = Files.createSymbolicLink(dir.resolve("model.safetensors"), Path.of("../../blobs/0a1b2c"));
        refused(link, "is a link to ../../blobs/0a1b2c, where nothing is", "cp -L");
        var e = assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir));
        assertTrue(e.getMessage().contains("is a link to"), e.getMessage());
        Path a = Files.createSymbolicLink(dir.resolve("a"), dir.resolve("b"));
        Files.createSymbolicLink(dir.resolve("b"), a);
        assertThrows(FileSystemException.class, () -> GgufFile.open(a));
        refused(Files.createSymbolicLink(dir.resolve("c"), Files.createDirectory(dir.resolve("folder"))), "is a folder");
    }

    @Test
    void foldersWithOtherWeights() throws IOException {
        Files.createFile(dir.resolve("model-00001-of-00002.safetensors"));
        assertTrue(assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir)).getMessage()
                .contains("which says what is in model-00001-of-00002.safetensors and the like: download it too"));
        Files.createFile(dir.resolve("tiny.Q4_0.gguf"));
        assertTrue(assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir)).getMessage()
                .contains("to load a GGUF file in it, give the file, as " + dir.resolve("tiny.Q4_0.gguf")));
        Files.writeString(dir.resolve("model.safetensors.index.json"),
                "{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\",\"c\":\"model-00001-of-00002.safetensors\"}}");
        var e = assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir));
        assertEquals(dir.resolve("model.safetensors.index.json") + ": weight_map names the shards one.safetensors, two.safetensors, which are "
                + "not in the folder: download them too", e.getMessage());
    }
}
