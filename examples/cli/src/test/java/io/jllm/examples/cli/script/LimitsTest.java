package io.jllm.examples.cli.script;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Too little memory of any kind: a run goes well, or one line says which kind, and what to do. */
class LimitsTest {
    private static final String RUN = "examples/llm run --prompt Once --max-tokens 1 --temperature 0";

    @TempDir
    private static Path folder;
    private static Shell shell;

    @BeforeAll
    static void build() throws Exception {
        shell = Shell.in(folder);
        BuiltCheckout.make(folder);
    }

    /** The line; empty if it went well. */
    private static String line(Shell.Result result) throws Exception {
        try (Stream<Path> files = Files.list(folder)) {
            assertTrue(files.noneMatch(f -> f.getFileName().toString().startsWith("hs_err")), "the JVM crashed");
        }
        return result.code() == 0 ? "" : result.bad(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1k", "1m", "2m", "2560k", "4m", "24m"})
    void heaps(String most) throws Exception {
        String line = line(shell.run(RUN, "JLLM_JAVA_OPTS=-Xmx" + most));
        assertTrue(line.isEmpty() || line.contains("heap") && line.contains("JLLM_JAVA_OPTS") && !line.contains("ulimit"), line);
    }

    @Test
    void aHeapSmallerThanTheUsualOneServes() throws Exception {
        shell.run("examples/llm inspect --help", "JLLM_JAVA_OPTS=-Xmx16m").good();
        shell.run("examples/llm inspect --help", "JLLM_JAVA_OPTS=-XX:MaxHeapSize=16m -XX:+UseG1GC").good();
    }

    @ParameterizedTest
    @ValueSource(ints = {100_000, 320_000, 420_000, 500_000, 620_000, 700_000})
    void addresses(int kib) throws Exception {
        limitable("v");
        String line = line(shell.run("ulimit -v " + kib + "; " + RUN));
        assertTrue(line.isEmpty() || line.contains("ulimit -v") && !line.contains("raise it with -Xmx"), line);
    }

    /** Half of what the JVM alone sets aside where nothing is limited. */
    @Test
    void oneAndAHalfGigabyteOfAddressesAreEnough() throws Exception {
        limitable("v");
        shell.run("ulimit -v 1500000; " + RUN).good();
    }

    @Test
    void aHeapThatLeavesNothingForTheModel() throws Exception {
        limitable("v");
        String line = shell.run("ulimit -v 1500000; " + RUN, "JLLM_JAVA_OPTS=-Xmx1300m").bad(1);
        assertTrue(line.contains("heap") && line.contains("-Xmx") && !line.contains("raise it with -Xmx"), line);
    }

    @Test
    void threads() throws Exception {
        assumeTrue(shell.run("id -u").out().strip().equals("0") && Shell.has("setpriv"), "only root can become a user who runs nothing else");
        long id = 20_000 + ProcessHandle.current().pid() % 40_000; // the limit counts what a user runs anywhere
        String user = "setpriv --reuid=" + id + " --regid=" + id + " --clear-groups bash -c ";
        assumeTrue(shell.run("chmod 755 .; mkdir -m 777 home; " + user + "'test -x \"$JAVA_HOME/bin/java\"'").code() == 0,
                "others may not use this JDK");
        for (int most = 12; most <= 22; most++) { // the shell itself needs some
            String line = line(shell.run(user + "'ulimit -u " + most + "; exec " + RUN + "'", "HOME=" + folder.resolve("home")));
            assertTrue(line.isEmpty() || line.contains("thread") || line.contains("memory"), line);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-Xmxmuch", "-Xmx0", "-XX:+NoSuchOption", "-XX:NoSuchOption=2", "-XX:+UseG1GC -XX:+UseParallelGC", "-Xmx900000g"})
    void optionsThatTheJvmRefuses(String options) throws Exception {
        String line = shell.run("examples/llm inspect --help", "JLLM_JAVA_OPTS=" + options).bad(1);
        assertTrue(line.startsWith("llm: "), line);
    }

    @Test
    void whatTheJvmPrintsIsNoResult() throws Exception {
        Shell.Result result = shell.run("examples/llm inspect --help", "JLLM_JAVA_OPTS=-Xlog:gc+init:stdout -XX:+PrintFlagsFinal");
        assertTrue(result.good().startsWith("Usage: llm inspect"), result.out());
        assertFalse(result.err().isBlank());
        Shell.Result plain = shell.run("examples/llm inspect --help");
        assertEquals(plain.out(), result.out());
        assertEquals("", plain.err());
    }

    /** A pipe would be waited for, and a device replaced by a plain file. */
    @ParameterizedTest
    @ValueSource(strings = {"inspect p", "run --prompt a --model p", "tokenize --text-file t --model p", "quantize p o.gguf --type F16",
        "quantize examples/cli/target/run-tested/demo-model/io/jllm/demo/*.gguf p --type F16"})
    void pipesAreNoModels(String args) throws Exception {
        shell.run("[ -p p ] || { mkfifo p; echo > t; }").good();
        String line = shell.run("examples/llm " + args).bad(2);
        assertTrue(line.contains("p is neither a file nor a folder") || line.contains("cannot write p: it is no plain file"), line);
        shell.run("[ -p p ] && [ ! -e o.gguf ]").good();
    }

    private static void limitable(String kind) throws Exception {
        assumeTrue(shell.run("ulimit -" + kind + " 1000000 && [ $(ulimit -" + kind + ") = 1000000 ]").code() == 0,
                "this system does not limit addresses");
    }
}
