package io.jllm.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The script that fetches NVIDIA's compiler, with a pip that fetches a dummy; and the build, which finds it. */
@EnabledOnOs(OS.LINUX)
class ToolkitTest {
    /** Says what nvcc would, and writes what it would write. */
    private static final String NVCC = """
            #!/bin/sh
            case $1 in
                --version) echo 'Cuda compilation tools, release 13.0, V13.0.88' ;;
                --list-gpu-arch) echo compute_80; echo compute_90 ;;
                *) echo >> "$STATE/compilations"; while [ "$1" != -o ]; do shift; done; echo compiled > "$2" ;;
            esac
            """;
    /** Knows how to install; counts how often; fails or ends its caller where a file says so. Rights to execute are left out, as some versions do. */
    private static final String PYTHON = """
            #!/bin/sh
            if [ "$3" = --version ]; then exit; fi
            echo "$@" >> "$STATE/calls"
            while [ "$1" != --target ]; do shift; done
            mkdir -p "$2/nvidia/cu13/bin" "$2/nvidia/cu13/nvvm/bin"
            if [ -e "$STATE/fail" ]; then echo 'no matching distribution' >&2; exit 1; fi
            if [ -e "$STATE/kill" ]; then kill -9 $PPID; exit 1; fi
            cp "$STATE/nvcc" "$2/nvidia/cu13/bin/nvcc"
            echo cicc > "$2/nvidia/cu13/nvvm/bin/cicc"
            """;
    private static final List<String> TOOLS = List.of("bash", "sh", "dirname", "uname", "mkdir", "mktemp", "rm", "mv", "cp", "cat", "chmod", "flock",
            "env", "kill");

    @TempDir
    private Path folder;
    private Path script;
    private Path bin;
    private Path toolkit;

    private record Ended(int exit, String said) {
    }

    @BeforeEach
    void layOut() throws IOException {
        bin = Files.createDirectories(folder.resolve("bin"));
        for (String tool : TOOLS) {
            for (String place : System.getenv("PATH").split(":")) {
                Path from = Path.of(place, tool);
                if (Files.isExecutable(from) && !Files.exists(bin.resolve(tool))) {
                    executable(bin.resolve(tool), "#!/bin/sh\nexec '" + from + "' \"$@\"\n");
                }
            }
        }
        executable(bin.resolve("python3"), PYTHON);
        executable(bin.resolve("g++"), "#!/bin/sh\n");
        Files.writeString(folder.resolve("nvcc"), NVCC);
        script = Files.createDirectories(folder.resolve("llm-cuda/gpu")).resolve("toolkit");
        Files.copy(Path.of("gpu/toolkit"), script, StandardCopyOption.COPY_ATTRIBUTES);
        toolkit = folder.resolve("llm-cuda/.cuda/toolkit");
    }

    private static void executable(Path file, String text) throws IOException {
        Files.writeString(file, text);
        assertTrue(file.toFile().setExecutable(true));
    }

    private Ended run(List<String> command, Map<String, String> environment) throws IOException, InterruptedException {
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().keySet().removeAll(List.of("CUDA_HOME", "CUDA_PATH", "JLLM_KERNEL_CACHE"));
        builder.environment().putAll(Map.of("PATH", bin.toString(), "STATE", folder.toString()));
        builder.environment().putAll(environment);
        Process p = builder.start();
        String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ended(p.waitFor(), said);
    }

    private Ended fetch() throws IOException, InterruptedException {
        return run(List.of(bin.resolve("bash").toString(), script.toString()), Map.of());
    }

    private long calls() throws IOException {
        return Files.exists(folder.resolve("calls")) ? Files.readAllLines(folder.resolve("calls")).size() : 0;
    }

    private void assertReady(Ended e) throws IOException {
        assertEquals(0, e.exit, e.said);
        assertTrue(Files.isExecutable(toolkit.resolve("nvidia/cu13/bin/nvcc")), e.said);
        try (Stream<Path> left = Files.list(toolkit.getParent())) {
            assertEquals(List.of(), left.map(f -> f.getFileName().toString()).filter(n -> n.startsWith("part-")).toList());
        }
    }

    @Test
    void itIsFetchedOnceAndTheBuildFindsIt() throws Exception {
        assertReady(fetch());
        assertReady(fetch());
        assertEquals(1, calls());
        Path kernels = Files.createDirectories(folder.resolve("kernels"));
        Files.writeString(kernels.resolve("a.cu"), "");
        Path part = Files.createDirectories(kernels.resolve("part"));
        Files.writeString(part.resolve("b.cu"), "// What it is.\n// architectures: 90a 120\n");
        List<String> compile = compile(kernels, "out");
        assertEquals(0, run(compile, Map.of()).exit);
        assertEquals("release=13.0\nfiles=a,b\ncubins=90a,80\nptx=80\nonly.b=90a,120\n", Files.readString(folder.resolve("out/index.properties")));
        assertEquals("compiled\n", Files.readString(folder.resolve("out/a.sm_90a.cubin")));
        try (Stream<Path> made = Files.list(folder.resolve("out"))) {
            assertEquals(List.of("a.ptx", "a.sm_80.cubin", "a.sm_90a.cubin", "b.sm_90a.cubin", "index.properties"),
                    made.map(f -> f.getFileName().toString()).sorted().toList());
        }
        Files.copy(part.resolve("b.cu"), kernels.resolve("b.cu"));
        assertTrue(run(compile, Map.of()).said.contains("two files of kernels are named b.cu"));
        Files.delete(kernels.resolve("b.cu"));
        Files.delete(toolkit.resolve("nvidia/cu13/bin/nvcc"));
        assertEquals(0, run(compile, Map.of()).exit);
        assertTrue(Files.readString(folder.resolve("out/index.properties")).contains("llm-cuda/gpu/toolkit"));
        assertReady(fetch()); // one that is no longer whole is fetched anew
        assertEquals(2, calls());
    }

    private List<String> compile(Path kernels, String results) {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        return List.of(java, Path.of("src/build/CompileKernels.java").toString(), kernels.toString(), folder.resolve(results).toString(), "90a,80,120", "80",
                toolkit.resolve("nvidia/cu13").toString());
    }

    private long compilations() throws IOException {
        return Files.exists(folder.resolve("compilations")) ? Files.readAllLines(folder.resolve("compilations")).size() : 0;
    }

    /** Folders of results as fresh checkouts have them. */
    @Test
    void whatWasCompiledOfTheSameBytesIsNotCompiledAgain() throws Exception {
        assertReady(fetch());
        Files.delete(folder.resolve("compilations")); // of the script, which tries what it fetched
        Path kernels = Files.createDirectories(folder.resolve("kernels"));
        Files.writeString(kernels.resolve("a.cu"), "a");
        Files.writeString(kernels.resolve("b.cu"), "b");
        Path header = Files.writeString(kernels.resolve("c.cuh"), "c");
        Path cache = folder.resolve("cache");
        Map<String, String> cached = Map.of("JLLM_KERNEL_CACHE", cache.toString());
        assertEquals(0, run(compile(kernels, "first"), cached).exit);
        assertEquals(6, compilations(), "two files for two devices and as PTX");
        Path old = Files.writeString(cache.resolve("old.kernel"), "");
        Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofDays(40))));
        Files.writeString(kernels.resolve("b.cu"), "#include \"" + kernels.relativize(header) + "\"");
        Ended again = run(compile(kernels, "second"), cached);
        assertEquals(0, again.exit, again.said);
        assertEquals(9, compilations(), again.said);
        assertEquals("compiled\n", Files.readString(folder.resolve("second/a.ptx")));
        assertFalse(Files.exists(old));
        Files.writeString(header, "another");
        assertEquals(0, run(compile(kernels, "third"), cached).exit);
        assertEquals(12, compilations(), "a header counts for the file that includes it");
    }

    @Test
    void whatIsCutOffIsThrownAway() throws Exception {
        Path fail = Files.createFile(folder.resolve("fail"));
        Ended failed = fetch();
        assertEquals(1, failed.exit, failed.said);
        assertTrue(failed.said.contains("no matching distribution") && failed.said.contains("pip could not fetch"), failed.said);
        assertFalse(Files.exists(toolkit));
        Files.move(fail, folder.resolve("kill"));
        assertTrue(fetch().exit > 1);
        assertFalse(Files.exists(toolkit));
        Files.delete(folder.resolve("kill"));
        assertReady(fetch());
    }

    @Test
    void anotherReleaseReplacesIt() throws Exception {
        assertReady(fetch());
        Files.writeString(script, Files.readString(script).replace("==13.0.", "==13.7."));
        assertReady(fetch());
        assertEquals(2, calls());
        assertTrue(Files.readString(toolkit.resolve("pins")).contains("nvidia-cuda-nvcc==13.7."));
    }

    @Test
    void whereThereIsAnNvccNothingIsFetched() throws Exception {
        executable(Files.createDirectories(folder.resolve("cuda/bin")).resolve("nvcc"), NVCC);
        Ended e = run(List.of(bin.resolve("bash").toString(), script.toString()), Map.of("CUDA_HOME", folder.resolve("cuda").toString()));
        assertEquals(0, e.exit, e.said);
        assertEquals(0, calls());
    }

    @Test
    void itSaysWhatItNeeds() throws Exception {
        Files.delete(bin.resolve("g++"));
        assertTrue(fetch().said.contains("needs g++"));
        Files.delete(bin.resolve("python3"));
        Ended e = fetch();
        assertEquals(1, e.exit);
        assertTrue(e.said.contains("needs Python with pip"), e.said);
        assertEquals(0, calls());
    }
}
