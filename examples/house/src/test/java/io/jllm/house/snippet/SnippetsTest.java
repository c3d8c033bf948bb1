package io.jllm.house.snippet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.house.Checkout;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The program of the top README, built by what the README says to each tool out of the libraries of this build, and run. Maven and JBang do it
 * themselves; of Gradle's lines, whose tool is in no repository of Maven's, a project of Maven is made that says the same.
 */
class SnippetsTest {
    private static final Pattern PLATFORM = Pattern.compile("implementation\\(platform\\(\"([^:\"]+):([^:\"]+):([^:\"]+)\"\\)\\)");
    private static final Pattern LIBRARY = Pattern.compile("(implementation|runtimeOnly)\\(\"([^:\"]+):([^:\"]+)\"\\)");
    private static final Checkout CHECKOUT = Checkout.current();

    @TempDir
    private static Path folder;
    private static Path published;
    private static Readme readme;
    private static String mavensClassPath;

    @BeforeAll
    static void publish() throws IOException {
        published = Published.of(CHECKOUT, folder.resolve("published"));
        readme = Readme.top(CHECKOUT);
    }

    private static String program() {
        return readme.block("java", "public static void main");
    }

    private static String model() {
        return CHECKOUT.root().resolve("examples/demo-model/src/main/resources/io/jllm/demo/fairytale-23m-Q4_0.gguf").toString();
    }

    private static void isATale(String output) {
        assertTrue(output.split("\\s+").length > 20, output);
    }

    private static String mavensClassPath() throws IOException, InterruptedException {
        if (mavensClassPath == null) {
            mavensClassPath = project("maven").build(readme.block("xml", "llm-bom"), readme.block("xml", "llm-cpu"), program());
        }
        return mavensClassPath;
    }

    private static Project project(String name) throws IOException {
        assumeTrue(Command.exists("mvn"), "there is no mvn on the PATH that a project could be built with");
        return new Project(Files.createDirectories(folder.resolve(name)), published, folder.resolve("repository"));
    }

    @Test
    void mavenBuildsTheProgram() throws Exception {
        isATale(Command.java(0, folder, Map.of(), "--enable-native-access=ALL-UNNAMED", "-cp", mavensClassPath(), "Hello", model()));
    }

    @Test
    void gradlesLinesMeanTheSame() throws Exception {
        String block = readme.block("kotlin", "dependencies");
        Matcher platform = PLATFORM.matcher(block);
        assertTrue(platform.find(), block);
        String versions = "<dependencyManagement><dependencies><dependency><groupId>" + platform.group(1) + "</groupId><artifactId>" + platform.group(2)
                + "</artifactId><version>" + platform.group(3) + "</version><type>pom</type><scope>import</scope></dependency></dependencies></dependencyManagement>";
        String dependencies = LIBRARY.matcher(block).results().map(m -> "<dependency><groupId>" + m.group(2) + "</groupId><artifactId>" + m.group(3)
                + "</artifactId><scope>" + (m.group(1).equals("runtimeOnly") ? "runtime" : "compile") + "</scope></dependency>").collect(Collectors.joining());
        String others = LIBRARY.matcher(PLATFORM.matcher(block).replaceAll("")).replaceAll("").replaceAll("\\s+", "");
        assertEquals("dependencies{}", others, "no line means anything else");
        assertEquals(jars(mavensClassPath()), jars(project("gradle").build(versions, dependencies, program())));
    }

    private static Set<String> jars(String classPath) {
        return Stream.of(classPath.split(File.pathSeparator)).filter(e -> e.endsWith(".jar")).map(e -> Path.of(e).getFileName().toString())
                .collect(Collectors.toSet());
    }

    /**
     * JBang's own class path is this test's, its home and what it keeps are below the folder, and it asks nobody on the network. It fetches and
     * compiles, prints the line that runs the program, and ends with 255 to say so; the script by which people call it runs that line, as we do.
     */
    @Test
    void jbangRunsTheProgram() throws Exception {
        assumeTrue(Command.exists("sh"), "there is no sh on the PATH to run JBang's line");
        Path script = Files.writeString(folder.resolve("Hello.java"), readme.block("", "//DEPS") + "\n" + program());
        Map<String, String> environment = Map.of("JBANG_DIR", folder.resolve("jbang").toString(), "JBANG_REPO", folder.resolve("jbang-repository").toString(),
                "JBANG_NO_VERSION_CHECK", "true");
        String repositories = "--repos=published=" + published.toUri() + ",others=" + Project.local().toUri();
        String output = Command.java(255, folder, environment, "-Duser.home=" + folder, "-cp", System.getProperty("java.class.path"),
                "dev.jbang.Main", "run", "--quiet", repositories, script.toString(), model());
        String line = output.lines().reduce("", (_, last) -> last); // what a log of the class path says of checksums stands before it
        assertTrue(line.contains("--add-modules jdk.incubator.vector"), output);
        isATale(Command.run(0, folder, Map.of(), List.of("sh", "-c", line)));
    }
}
