package io.jllm.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A model that is closed gives everything back: a process may open as many as it likes, one after the other. */
class OpenAndCloseTest {
    private static final int ROUNDS = 90;
    private static final int FIRST = 10;
    private static final int MANY = 30;
    private static final int FEW = 5;
    private static final int RESIDENT = 1;
    private static final int HEAP = 2;
    private static final int THREADS = 3;

    /**
     * In a JVM of its own whose heap has one size, so that whatever grows is native memory, and without its second compiler, which takes and
     * gives back a tenth of all. The first times are left out: the first compiler is at work then. What is compared is the least of many.
     */
    @Test
    void nothingGrows() throws Exception {
        assumeTrue(Files.exists(Path.of("/proc/self/status")), "skipped: resident memory is read from /proc/self/status");
        Process p = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xms64m", "-Xmx64m",
                "-XX:+UseSerialGC", "-XX:+AlwaysPreTouch", "-XX:TieredStopAtLevel=1", "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp", System.getProperty("java.class.path"), OpenAndClose.class.getName(), Integer.toString(ROUNDS))
                .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, p.waitFor(), said);
        List<long[]> rounds = said.lines().filter(l -> l.matches("[\\d ]+"))
                .map(l -> Arrays.stream(l.split(" ")).mapToLong(Long::parseLong).toArray()).toList();
        assertEquals(ROUNDS, rounds.size(), said);
        for (int what : new int[] {RESIDENT, HEAP}) {
            long early = least(rounds.subList(FIRST, FIRST + MANY), what);
            long late = least(rounds.subList(ROUNDS - MANY, ROUNDS), what);
            assertTrue(late <= 1.05 * early, "from " + early + " to " + late + " KiB in\n" + said);
        }
        assertTrue(least(rounds.subList(ROUNDS - FEW, ROUNDS), THREADS) <= least(rounds.subList(0, FEW), THREADS) + 1, said);
    }

    /** Of some rounds: a leak is in all of them, what waits to be collected only in some. */
    private static long least(List<long[]> rounds, int what) {
        return rounds.stream().mapToLong(r -> r[what]).min().orElseThrow();
    }
}
