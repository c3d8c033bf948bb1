package io.jllm.examples.spring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The application as developers run it, who change classes while it runs. */
class DevToolsTest {
    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path p : files.toList()) {
                Path target = to.resolve(from.relativize(p).toString());
                if (!Files.isDirectory(p)) {
                    Files.createDirectories(target.getParent());
                    Files.copy(p, target);
                }
            }
        }
    }

    @Test
    void aRestartLeavesOneModelInMemory(@TempDir Path folder) throws Exception {
        assumeTrue(Files.exists(Path.of("/proc/self/task")), "only Linux names the threads of a process");
        Path classes = Path.of(TaleApplication.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        Path copy = folder.resolve("classes");
        copy(classes, copy);
        String path = System.getProperty("java.class.path").replace(classes.toString(), copy.toString());
        try (AppProcess app = new AppProcess(List.of("-Xmx512m", "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-cp", path, TaleApplication.class.getName(),
                "--spring.devtools.restart.trigger-file=.restart", "--spring.devtools.restart.poll-interval=200ms",
                "--spring.devtools.restart.quiet-period=100ms", "--spring.devtools.livereload.enabled=false", "--spring.ai.jllm.chat.temperature=0"))) {
            app.port(1);
            String tale = app.get("/tale");
            for (int start = 2; start <= 3; start++) {
                Files.writeString(copy.resolve("changed.txt"), "start " + start);
                Files.writeString(copy.resolve(".restart"), "start " + start); // alone it changes nothing
                app.port(start);
                assertEquals(tale, app.get(start, "/tale"));
                assertEquals(1, app.threads("jllm-engine"), app::log);
            }
        }
    }
}
