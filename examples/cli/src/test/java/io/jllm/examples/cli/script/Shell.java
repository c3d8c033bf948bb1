package io.jllm.examples.cli.script;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/**
 * Runs commands of bash. They are written in ASCII, with {@code $'\xc3\xbc'} for other bytes: so it does not matter in which locale
 * the tests themselves run.
 *
 * @param folder where they run
 */
record Shell(Path folder) {
    /** Folders where tools may be, beside those of the PATH. */
    private static final String TOOLS = System.getenv().getOrDefault("PATH", "/usr/local/bin:/usr/bin:/bin");

    /**
     * What came of a command.
     *
     * @param code the exit code
     * @param out standard output
     * @param err standard error
     */
    record Result(int code, String out, String err) {
        /** Standard output of what must go well. */
        String good() {
            assertEquals(0, code, this::toString);
            return out;
        }

        /** The one line on standard error of what must fail with that code and print nothing. */
        String bad(int expected) {
            assertEquals(expected, code, this::toString);
            assertEquals("", out);
            assertEquals(1, err.lines().count(), err);
            assertTrue(err.startsWith("llm"), err);
            return err;
        }
    }

    /** A shell where there is a bash; elsewhere the test is skipped. */
    static Shell in(Path folder) {
        assumeTrue(Stream.of(TOOLS.split(":")).anyMatch(f -> Files.isExecutable(Path.of(f, "bash"))),
                "there is no bash here, which the script needs");
        return new Shell(folder);
    }

    /** Whether a tool is there. */
    static boolean has(String tool) {
        return Stream.of(TOOLS.split(":")).anyMatch(f -> Files.isExecutable(Path.of(f, tool)));
    }

    /** Runs a command whose environment holds nothing but PATH, JAVA_HOME of the JVM that runs this, and some {@code NAME=value}. */
    Result run(String command, String... environment) throws IOException, InterruptedException {
        assertTrue(command.chars().allMatch(c -> c < 0x80), command);
        var builder = new ProcessBuilder("bash", "-c", command).directory(folder.toFile()).redirectInput(Path.of("/dev/null").toFile());
        Map<String, String> settings = new HashMap<>(Map.of("PATH", TOOLS, "JAVA_HOME", System.getProperty("java.home")));
        Arrays.stream(environment).map(e -> e.split("=", 2)).forEach(e -> settings.put(e[0], e[1]));
        builder.environment().clear();
        builder.environment().putAll(settings);
        Process process = builder.start();
        CompletableFuture<String> err = CompletableFuture.supplyAsync(() -> read(process.getErrorStream()),
                work -> Thread.ofPlatform().start(work));
        String out = read(process.getInputStream());
        // bash has something to say of some locales itself, before it reads the script
        return new Result(process.waitFor(), out, err.join().replaceAll("(?m)^bash: warning: setlocale: .*\\R", ""));
    }

    private static String read(InputStream stream) {
        try (stream) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
