package io.jllm.examples.deployment;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What another process has said.
 *
 * @param exit its exit code
 * @param out lines on its standard output
 * @param err lines on its standard error, without those that come with the Vector API and with options of the environment
 */
record Child(int exit, List<String> out, List<String> err) {
    static final List<String> VECTORS = List.of("--add-modules", "jdk.incubator.vector");
    static final List<String> FLAGS = List.of("--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED");

    /** The program {@code java} that runs the tests. */
    static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    /** Lists of words in one. */
    @SafeVarargs
    static List<String> words(List<String>... parts) {
        return Stream.of(parts).flatMap(List::stream).toList();
    }

    /** Runs a program to its end. */
    static Child run(List<String> command) throws IOException, InterruptedException {
        return run(Map.of(), command);
    }

    /** Runs a program to its end, with variables of its environment set; those that are empty are taken away. */
    static Child run(Map<String, String> environment, List<String> command) throws IOException, InterruptedException {
        Path err = Files.createTempFile("child", ".err");
        try {
            var builder = new ProcessBuilder(new ArrayList<>(command)).redirectError(err.toFile());
            builder.environment().keySet().removeAll(List.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"));
            environment.forEach((name, value) -> {
                builder.environment().remove(name);
                if (!value.isEmpty()) {
                    builder.environment().put(name, value);
                }
            });
            Process process = builder.start();
            process.getOutputStream().close();
            List<String> out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList();
            return new Child(process.waitFor(), out,
                    Files.readAllLines(err).stream().filter(l -> !l.equals(Application.INCUBATING)
                    && !l.startsWith("NOTE: Picked up JDK_JAVA_OPTIONS")).toList());
        } finally {
            Files.delete(err);
        }
    }

    /** Asserts that it has told the tale, once for each kind of thread, and had nothing to complain of. */
    void assertTold(String text, String... threads) {
        assertTold(text, List.of(threads));
        assertEquals(List.of(), err);
    }

    private void assertTold(String text, List<String> threads) {
        assertEquals(0, exit, toString());
        assertEquals(threads.stream().map(t -> t + ": " + text).toList(), out.stream().map(Application::text).toList(), toString());
    }

    /** Asserts that it has told the tale, whatever it said beside. */
    void assertToldOnMain(String text) {
        assertTold(text, List.of("main"));
    }
}
