package io.jllm.examples.deployment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An application that is closed and dropped leaves nothing behind, and can be deployed anew, as often as one likes. The property
 * {@code jllm.redeploys} says how often that is tried.
 */
class RedeployTest {
    private static final int LOADERS = 1;
    private static final int RESIDENT = 2;
    private static final int METASPACE = 3;
    private static final int CODE = 4;
    private static final int ROUNDS = Math.max(8, Integer.getInteger("jllm.redeploys", 8));
    private static final int MORE = 4;
    /** What only memory pressure clears does not count as left behind: the JDK itself remembers some last use of a class so. */
    private static final String CLEAR_SOFT_REFERENCES = "-XX:SoftRefLRUPolicyMSPerMB=0";

    @TempDir
    private Path folder;

    private void redeploy(List<String> flags, Path model, boolean pairs) throws Exception {
        redeploy(Map.of(), flags, model, pairs);
    }

    /** What grew in a few rounds may have settled later; what is left behind each time grows in more rounds too. */
    private void redeploy(Map<String, String> environment, List<String> flags, Path model, boolean pairs) throws Exception {
        assumeTrue(Files.exists(Path.of("/proc/self/maps")), "skipped: memory is read from /proc");
        if (!growth(rounds(ROUNDS, environment, flags, model, pairs)).isEmpty()) {
            assertEquals("", growth(rounds(MORE * ROUNDS, environment, flags, model, pairs)));
        }
    }

    /** The heap has one size, so that whatever grows is native memory. */
    private List<String[]> rounds(int count, Map<String, String> environment, List<String> flags, Path model, boolean pairs) throws Exception {
        Path broken = Files.write(folder.resolve("broken.gguf"), new byte[] {'G', 'G', 'U', 'F', 3, 0, 0, 0, 1});
        Path tests = Path.of(Redeployer.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        Child child = Child.run(environment, Child.words(List.of(Child.java(), "-Xms128m", "-Xmx128m", "-XX:+UseSerialGC", "-XX:+AlwaysPreTouch",
                CLEAR_SOFT_REFERENCES, "-cp", tests.toString()), Child.FLAGS, flags, List.of(Redeployer.class.getName(), Integer.toString(count),
                model.toString(), broken.toString(), Boolean.toString(pairs), Application.path() + File.pathSeparator + tests)));
        String said = String.join("\n", child.out());
        assertEquals(0, child.exit(), child.toString());
        List<String[]> rounds = child.out().stream().filter(l -> l.matches("(\\d+ ){5}\\[.*")).map(l -> l.split(" ", 6)).toList();
        assertEquals(count, rounds.size(), said);
        for (String[] round : rounds) {
            assertEquals("0", round[LOADERS], "class loaders are left in\n" + said);
            assertEquals("0", round[CODE], "code is left in\n" + said);
            assertEquals("[]", round[CODE + 1], "threads are left in\n" + said);
        }
        return rounds;
    }

    /** What is a tenth larger in the last rounds than in early ones; empty if nothing is. */
    private static String growth(List<String[]> rounds) {
        for (int what : new int[] {RESIDENT, METASPACE}) {
            long early = least(rounds.subList(rounds.size() / 4, rounds.size() / 2), what);
            long late = least(rounds.subList(rounds.size() - rounds.size() / 4, rounds.size()), what);
            if (late > 1.1 * early) {
                return "from " + early + " to " + late + " KiB in\n" + String.join("\n", rounds.stream().map(r -> String.join(" ", r)).toList());
            }
        }
        return "";
    }

    /** Of some rounds: a leak is in all of them, what waits to be collected only in some. */
    private static long least(List<String[]> rounds, int what) {
        return rounds.stream().mapToLong(r -> Long.parseLong(r[what])).min().orElseThrow();
    }

    @Test
    void nothingIsLeft() throws Exception {
        redeploy(List.of(), Application.model(), false);
    }

    @Test
    void nothingIsLeftOfTwoAtOnce() throws Exception {
        redeploy(List.of(), Application.model(), true);
    }

    /** A recording knows the events of every class loader. */
    @Test
    void nothingIsLeftWhereAFlightRecordingRuns() throws Exception {
        redeploy(List.of("-XX:StartFlightRecording:filename=" + folder.resolve("redeploys.jfr")), Application.model(), false);
    }

    /** On a driver that computes nothing, but is asked for all that a real one is. */
    @Test
    void nothingIsLeftOnADevice() throws Exception {
        Path source = Path.of("../../llm-cuda/src/test/c/fake_libcuda.c");
        assumeTrue(KernelsTest.missing().isEmpty(), "skipped: " + KernelsTest.missing());
        assumeTrue(Files.exists(source) && System.getProperty("os.name").equals("Linux"), "skipped: the driver for tests is for Linux");
        Path library = folder.resolve("libcuda.so.1");
        try {
            Child compiled = Child.run(List.of("cc", "-shared", "-fPIC", "-O1", "-w", "-Wl,-soname,libcuda.so.1", "-o", library.toString(),
                    source.toString()));
            assertEquals(0, compiled.exit(), compiled.toString());
        } catch (IOException e) {
            assumeTrue(false, "skipped: no C compiler (cc) for the driver");
        }
        redeploy(Map.of("LD_LIBRARY_PATH", folder.toString()), List.of(), Application.model(), false);
    }

    @Test
    void nothingIsLeftOfAHuggingFaceFolder() throws Exception {
        Path model = Path.of(System.getProperty("jllm.shared", ""), "models/TinyStories-656K");
        assumeTrue(Files.exists(model.resolve("config.json")), "skipped: -Djllm.shared names no folder with models/TinyStories-656K");
        redeploy(List.of(), model, false);
    }
}
