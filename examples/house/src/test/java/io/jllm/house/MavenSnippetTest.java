package io.jllm.house;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A program as the top README tells how to write it, built by Maven out of a release, and run: in a release's build ({@code -Prelease}) alone, for
 * others have none. What else it needs is taken from the repository that this build uses, not from the network.
 */
class MavenSnippetTest {
    private static final Pattern XML = Pattern.compile("```xml\\n(.*?)```", Pattern.DOTALL);
    private static final Pattern JAVA = Pattern.compile("```java\\n(.*?)```", Pattern.DOTALL);

    private static String run(Path folder, List<String> command) throws IOException, InterruptedException {
        var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), output);
        return output;
    }

    private static String repository(String id, Path folder) {
        return "<repository><id>" + id + "</id><url>" + folder.toUri() + "</url><snapshots><enabled>true</enabled></snapshots></repository>";
    }

    @Test
    void theReadmesProgramIsBuiltAndRuns(@TempDir Path folder) throws Exception {
        Path central = Path.of(System.getProperty("jllm.central", "none"));
        assumeTrue(Files.isDirectory(central.resolve("io/jllm/llm-core")), "only with -Prelease there is a release");
        Checkout checkout = Checkout.current();
        String readme = Files.readString(checkout.root().resolve("README.md"));
        List<String> xml = XML.matcher(readme).results().map((MatchResult m) -> m.group(1)).toList();
        String management = xml.stream().filter(x -> x.contains("llm-bom")).findFirst().orElseThrow();
        String dependencies = xml.stream().filter(x -> x.contains("llm-cpu")).findFirst().orElseThrow();
        String program = JAVA.matcher(readme).results().map(m -> m.group(1)).findFirst().orElseThrow();
        Files.writeString(Files.createDirectories(folder.resolve("src/main/java")).resolve("Hello.java"), program);
        Path local = Path.of(System.getProperty("jllm.local"));
        Files.writeString(folder.resolve("settings.xml"), "<settings><mirrors><mirror><id>local</id><url>" + local.toUri()
                + "</url><mirrorOf>central</mirrorOf></mirror></mirrors></settings>");
        Files.writeString(folder.resolve("pom.xml"), "<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version>"
                + "<properties><maven.compiler.release>25</maven.compiler.release><project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties>"
                + "<repositories>" + repository("release", central) + "</repositories>" + management + "<dependencies>" + dependencies + "</dependencies>"
                + "<build><plugins><plugin><artifactId>maven-resources-plugin</artifactId><version>3.3.1</version></plugin><plugin><artifactId>maven-compiler-plugin"
                + "</artifactId><version>3.14.1</version></plugin><plugin><artifactId>maven-dependency-plugin</artifactId><version>3.8.1</version></plugin></plugins>"
                + "</build></project>");
        run(folder, List.of("mvn", "-o", "-q", "-B", "-s", "settings.xml", "-Daether.offline.protocols=file", "-Dmaven.repo.local=" + folder.resolve("m2"), "compile",
                "dependency:build-classpath", "-Dmdep.outputFile=class.path"));
        String path = "target/classes" + File.pathSeparator + Files.readString(folder.resolve("class.path")).strip();
        assertTrue(path.contains("llm-cpu"), path);
        Path model = checkout.root().resolve("examples/demo-model/src/main/resources/io/jllm/demo/fairytale-23m-Q4_0.gguf");
        String tale = run(folder, List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(), "--enable-native-access=ALL-UNNAMED", "-Xmx512m", "-cp", path,
                "Hello", model.toString()));
        assertTrue(tale.split("\\s+").length > 20, tale);
    }
}
