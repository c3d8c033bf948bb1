package io.jllm.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.quant.gguf.GgufWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sound files, and a heap that has no room for them. */
class SmallHeapTest {
    @TempDir
    private Path dir;

    /** What the JVM of the test below runs: prints how a file or model was refused. */
    public static void main(String[] args) {
        try {
            if (args[0].endsWith(".json")) {
                ConfigJson.read(Path.of(args[0]), Integer.MAX_VALUE);
            } else {
                ModelFiles.open(Path.of(args[0])).close();
            }
            System.out.println("read");
        } catch (ModelLoadException e) {
            System.out.println(e.getMessage());
        }
    }

    private static String outcome(String heap, Path file) throws IOException, InterruptedException {
        var process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx" + heap, "-XX:+UseSerialGC",
                "-cp", System.getProperty("java.class.path"), SmallHeapTest.class.getName(), file.toString()).redirectErrorStream(true).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertEquals(0, process.waitFor(), out);
        return out;
    }

    private Path vocabulary() throws IOException {
        var json = new StringBuilder("{\"model\": {\"vocab\": {");
        for (int i = 0; i < 200_000; i++) {
            json.append(i == 0 ? "" : ", ").append("\"token").append(i).append("\": ").append(i);
        }
        return Files.writeString(dir.resolve("tokenizer.json"), json.append("}}}"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"9m", "14m", "22m", "30m"})
    void aTextIsNotWrongBecauseTheHeapIsSmall(String heap) throws Exception {
        String out = outcome(heap, vocabulary());
        assertTrue(out.matches("the Java heap of \\d+ MiB is too small to read .*tokenizer\\.json \\(.*\\): raise -Xmx"), out);
    }

    @Test
    void theSameTextIsReadByALargerHeap() throws Exception {
        assertEquals("read", outcome("256m", vocabulary()));
    }

    @Test
    void metadataOfGgufFilesToo() throws Exception {
        Path file = dir.resolve("m.gguf");
        GgufWriter.write(file, Map.of("a", new GgufValue.Ints(GgufValue.Type.INT8, new long[8 << 20]),
                "b", new GgufValue.Texts(Collections.nCopies(100_000, "token"))), List.of(), GgufWriter.Progress.NONE);
        String out = outcome("24m", file);
        assertTrue(out.matches("the Java heap of \\d+ MiB is too small to read .*m\\.gguf \\(.*\\): raise -Xmx"), out);
        assertTrue(outcome("512m", file).contains("general.architecture is missing"), "what is wrong with it");
    }
}
