package io.jllm.examples.deployment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Run-time images that hold an application, jLLM and as much of the JDK as they need. */
class JlinkTest {
    private final String text = Application.text(Teller.tell(Application.model().toString()));

    @TempDir
    private Path folder;

    private Path link(String modules, List<String> options) {
        ToolProvider jlink = ToolProvider.findFirst("jlink").orElse(null);
        assumeTrue(jlink != null, "skipped: this JDK has no jlink");
        Path image = folder.resolve("image");
        var out = new java.io.StringWriter();
        var words = Child.words(List.of("--module-path", Application.path(), "--add-modules", modules, "--strip-debug", "--no-header-files",
                "--no-man-pages", "--output", image.toString()), options);
        int code = jlink.run(new java.io.PrintWriter(out, true), new java.io.PrintWriter(out, true), words.toArray(String[]::new));
        assertEquals(0, code, out.toString());
        return image;
    }

    /** The flags are in the image, so that its launcher needs none. */
    @Test
    void withALauncherAndItsFlags() throws Exception {
        Path image = link(Application.MODULE + ",io.jllm.cpu,io.jllm.cuda,jdk.incubator.vector",
                List.of("--launcher", "tell=" + Application.MODULE + "/" + Application.MAIN, 
                        "--add-options=--add-modules=jdk.incubator.vector --enable-native-access=io.jllm.cpu,io.jllm.cuda"));
        Child.run(List.of(image.resolve("bin/tell").toString(), Application.model().toString(), "main", "pool", "virtual", "platform", "none"))
                .assertTold(text, "main", "pool", "virtual", "platform", "none");
    }

    /** Without vectors, flight recorder and management: what the backend says of the first goes to the console of a JVM without logging. */
    @Test
    void withTheLeastModules() throws Exception {
        Path image = link(Application.MODULE + ",io.jllm.cpu", List.of());
        String java = image.resolve("bin/java").toString();
        List<String> modules = Child.run(List.of(java, "--list-modules")).out().stream().map(l -> l.replaceFirst("@.*", "")).toList();
        assertEquals(List.of("com.google.gson", "io.jllm.core", "io.jllm.cpu", Application.MODULE, "io.jllm.quant", "io.jllm.sampling", "java.base"),
                modules);
        Child child = Child.run(List.of(java, "--enable-native-access=io.jllm.cpu", "-m", Application.MODULE + "/" + Application.MAIN,
                Application.model().toString(), "main"));
        child.assertToldOnMain(text);
        assertTrue(child.err().stream().anyMatch(l -> l.contains("--add-modules jdk.incubator.vector")), child.toString());
    }
}
