package io.jllm.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.demo.DemoModel;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every example runs, and so does the one in the README. */
class ProgramsTest {
    private static final int MOST_LINES = 40;

    @Test
    void generate() throws Exception {
        assertTale(run(() -> Generate.main(new String[0])), "Once upon a time");
    }

    @Test
    void stream() throws Exception {
        String out = run(() -> Stream.main(new String[0]));
        assertTale(out, "The dragon said");
        assertTrue(out.strip().endsWith("[60 tokens in " + out.replaceAll("(?s).*tokens in (\\d+).*", "$1")
                + " ms, ended by LENGTH]"), out);
    }

    @Test
    void beam() throws Exception {
        List<String> lines = run(() -> Beam.main(new String[0])).lines().filter(l -> !l.isBlank()).toList();
        assertEquals(3, lines.stream().filter(l -> l.matches("-\\d\\.\\d{4} Once upon a time .*")).count(), lines.toString());
        assertTrue(lines.getFirst().contains("Once upon a time"), lines.toString());
    }

    @Test
    void batch() throws Exception {
        List<String> lines = run(() -> Batch.main(new String[0])).lines().toList();
        assertEquals(4, lines.size(), lines.toString());
        assertTale(lines.get(2), "The king had three daughters");
        assertTrue(lines.get(3).startsWith("At midnight"), lines.toString());
    }

    @Test
    void chat() throws Exception {
        List<String> lines = run(() -> Chat.main(new String[0])).lines().filter(l -> !l.isBlank()).toList();
        assertTrue(lines.size() >= 2, lines.toString());
    }

    @Test
    void toolCalls() throws Exception {
        List<String> lines = run(() -> ToolCalls.main(new String[0])).lines().toList();
        assertEquals("USER: How cold is it in Oslo?[]", lines.getFirst());
        assertTrue(lines.get(1).startsWith("ASSISTANT: ") && lines.get(1).length() > 20, lines.toString());
    }

    @Test
    void jsonRecord() throws Exception {
        List<String> lines = run(() -> JsonRecord.main(new String[0])).lines().toList();
        assertTrue(lines.getFirst().matches("Invoice\\[from=.*, date=\\d{4}-\\d\\d-\\d\\d, currency=(EUR|GBP|USD), items=\\[.*], remark=Optional.*]"),
                lines.toString());
    }

    @Test
    void embeddings() throws Exception {
        List<String> lines = run(() -> Embeddings.main(new String[0])).lines().toList();
        assertEquals(3, lines.size());
        assertTrue(lines.getFirst().contains("stormy sea"), lines.toString());
    }

    @Test
    void cancel() throws Exception {
        String out = run(() -> Cancel.main(new String[0]));
        Matcher end = Pattern.compile("\\[(\\d+) tokens, CANCELLED]\\s*$").matcher(out);
        assertTrue(end.find() && Integer.parseInt(end.group(1)) >= 20, out);
    }

    @Test
    void concurrentCallers() throws Exception {
        List<String> lines = run(() -> ConcurrentCallers.main(new String[0])).lines().toList();
        List<String> tales = lines.subList(0, lines.size() - 1);
        assertEquals(20, tales.size(), lines.toString());
        assertTrue(tales.stream().distinct().count() > 15 && tales.stream().allMatch(t -> t.startsWith("The princess")), lines.toString());
        Matcher end = Pattern.compile("\\[(\\d+) tokens in (\\d+) steps]").matcher(lines.getLast());
        assertTrue(end.matches() && Integer.parseInt(end.group(1)) > 2 * Integer.parseInt(end.group(2)), lines.getLast());
    }

    @Test
    void metrics() throws Exception {
        String out = run(() -> Metrics.main(new String[0]));
        Matcher generated = Pattern.compile("vllm:generation_tokens\\(COUNTER\\)\\[model='[^']+']; count=60").matcher(out);
        assertTrue(generated.find(), out);
        assertTrue(out.contains("vllm:e2e_request_latency(TIMER)") && out.contains("vllm:kv_cache_usage_perc(GAUGE)"), out);
    }

    @Test
    void readme(@TempDir Path folder) throws Exception {
        Matcher block = Pattern.compile("```java\\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(top().resolve("README.md")));
        assertTrue(block.find(), "README.md has no Java example");
        String code = block.group(1);
        Matcher name = Pattern.compile("public class (\\w+)").matcher(code);
        assertTrue(name.find(), code);
        Path source = Files.writeString(folder.resolve(name.group(1) + ".java"), code);
        assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, System.err, System.err,
                "-d", folder.toString(), "-cp", System.getProperty("java.class.path"), source.toString()));
        try (var loader = new URLClassLoader(new URL[] {folder.toUri().toURL()}, getClass().getClassLoader())) {
            var main = loader.loadClass(name.group(1)).getMethod("main", String[].class);
            assertTale(run(() -> main.invoke(null, (Object) new String[] {DemoModel.path().toString()})), "");
        }
    }

    @Test
    void examplesAreShort() throws Exception {
        try (var files = Files.list(top().resolve("examples/programs/src/main/java/io/jllm/examples"))) {
            List<Path> all = files.toList();
            assertTrue(all.size() >= 3, all.toString());
            for (Path file : all) {
                assertTrue(Files.readAllLines(file).size() <= MOST_LINES, file + " is longer than " + MOST_LINES + " lines");
            }
        }
    }

    @FunctionalInterface
    private interface Main {
        void run() throws Exception;
    }

    /** What a program prints. */
    private static String run(Main main) throws Exception {
        PrintStream before = System.out;
        var bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            main.run();
        } finally {
            System.setOut(before);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    /** A text of at least twenty words, most of them different, after the prompt. */
    private static void assertTale(String out, String prompt) {
        assertTrue(out.startsWith(prompt), out);
        var words = List.of(out.substring(prompt.length()).toLowerCase(Locale.ROOT).split("[^a-z']+"));
        assertTrue(words.size() >= 20 && words.stream().distinct().count() >= 10, out);
    }

    private static Path top() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.exists(folder.resolve("llm-core/pom.xml"))) {
            folder = folder.getParent();
        }
        return folder;
    }
}
