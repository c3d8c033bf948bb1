package io.jllm.load.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FuzzTest {
    /** More by hand: {@code -Djllm.fuzz=1000000}. */
    private static final int ROUNDS = Integer.getInteger("jllm.fuzz", 20_000);

    @TempDir
    private Path dir;

    /** In a heap of 64 MiB, so that nothing can take what its file does not warrant. */
    @Test
    void damagedFilesAreReadOrRefused() throws Exception {
        var process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx64m", "-XX:+UseSerialGC",
                "-XX:MaxDirectMemorySize=16m", "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), Fuzz.class.getName(),
                dir.toString(), "0", Integer.toString(ROUNDS), "2").redirectErrorStream(true).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertEquals(0, process.waitFor(), out);
        String last = out.substring(out.lastIndexOf('\n') + 1);
        assertTrue(last.startsWith(ROUNDS + " rounds from 0 in ") && last.endsWith(" 0 faults"), out);
        int loaded = Integer.parseInt(last.replaceAll(".*: (\\d+) loaded.*", "$1"));
        assertTrue(loaded > ROUNDS / 20 && loaded < ROUNDS * 19 / 20, last + ": the damage tests nothing");
    }
}
