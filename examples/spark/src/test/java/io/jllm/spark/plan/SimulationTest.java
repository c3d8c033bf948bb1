package io.jllm.spark.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The simulation against what can be computed by hand, against what was measured, and against the figures that are committed. */
class SimulationTest {
    private static final EngineRates RATES = new EngineRates("made up", 1e12, new TreeMap<>(Map.of(1, 50.0, 4, 100.0)));
    private static final Workload ALIKE = new Workload(8, 1, 100, 0, 100, 1);
    private static final Path RESULTS = Path.of("results");

    /** Executors that are there at once and do not fail. */
    private static Cluster cluster(int executors, int tasks) {
        return new Cluster(executors, tasks, 4, 0, 0, 0, 0, 1, 0, 0, 0, 1);
    }

    private static Cluster failing(double perHour, int executors) {
        return new Cluster(executors, 2, 4, 10, 20, 0.4, 0.1, 2, perHour, 0.001, 0.1, 1);
    }

    @Test
    void aBatchTakesItsSteps() {
        assertEquals(0.02, RATES.stepSeconds(1), 1e-12);
        assertEquals(0.04, RATES.stepSeconds(4), 1e-12);
        assertEquals(0.02 + 0.02 / 3, RATES.stepSeconds(2), 1e-12);
        assertEquals(0.08, RATES.stepSeconds(10), 1e-12);
        assertEquals(2 * 100 * 0.04, Simulation.run(RATES, ALIKE, cluster(1, 1), 8).seconds(), 1e-6); // two full batches of 100 steps
        assertEquals(100 * 0.04, Simulation.run(RATES, ALIKE, cluster(2, 1), 4).seconds(), 1e-6);
        assertEquals(100 * 0.04, Simulation.run(RATES, ALIKE, cluster(2, 2), 2).seconds(), 1e-6); // two tasks share a batch
        assertEquals(4 * 100 * RATES.stepSeconds(2), Simulation.run(RATES, ALIKE, cluster(1, 1), 2).seconds(), 1e-6); // batches that are half full
    }

    @Test
    void allElseAddsUp() {
        var reading = new EngineRates("reads", 100, RATES.tokensPerSecond());
        assertEquals(2 * (100 * 0.04 + 4 * 0.01), Simulation.run(reading, ALIKE, cluster(1, 1), 8).seconds(), 1e-6);
        var slow = new Cluster(1, 1, 4, 5, 7, 0, 1, 3, 0, 0.5, 2, 1);
        assertEquals(5 + 7 + 0.5 + 1 + 3 * 2 * 100 * 0.04 + 1, Simulation.run(RATES, ALIKE, slow, 8).seconds(), 1e-6);
        Forecast ideal = Simulation.run(RATES, ALIKE, cluster(1, 1), 8);
        assertEquals(1, ideal.efficiency(), 1e-6);
        assertEquals(100, ideal.tokensPerSecond(), 1e-4);
        assertEquals(8 / 3600.0 * 1e6 / 8, ideal.executorHoursPerMillionRows(), 1e-6);
    }

    @Test
    void failuresCostTimeAndNoRow() {
        var workload = new Workload(5000, 20, 50, 0.8, 400, 3);
        Forecast steady = Simulation.run(RATES, workload, failing(0, 10), 50);
        Forecast failing = Simulation.run(RATES, workload, failing(10, 10), 50);
        Forecast often = Simulation.run(RATES, workload, failing(40, 10), 50);
        assertEquals(0, steady.failures());
        assertEquals(0, steady.lostPart());
        for (Forecast f : List.of(steady, failing, often)) {
            assertEquals(5000, f.rows());
            assertTrue(f.halfSeconds() <= f.nearlySeconds() && f.nearlySeconds() <= f.seconds());
        }
        assertTrue(failing.failures() > 0 && often.failures() > 2 * failing.failures());
        assertTrue(steady.seconds() < failing.seconds() && failing.seconds() < often.seconds());
        assertTrue(failing.lostPart() > 0 && failing.lostPart() < often.lostPart() && often.lostPart() < 1);
        assertTrue(often.mostFailures() >= 1);
    }

    @Test
    void seedsDecide() {
        var workload = new Workload(3000, 20, 50, 0.8, 400, 3);
        assertEquals(Simulation.run(RATES, workload, failing(20, 5), 30), Simulation.run(RATES, workload, failing(20, 5), 30));
        var other = new Workload(3000, 20, 50, 0.8, 400, 4);
        assertTrue(Simulation.run(RATES, workload, failing(20, 5), 30).seconds() != Simulation.run(RATES, other, failing(20, 5), 30).seconds());
    }

    @Test
    void lengthsAreLogNormal() {
        Workload.Lengths lengths = new Workload(1, 300, 150, 0.8, 1000, 9).lengths();
        int below = 0;
        int aboveP90 = 0;
        int n = 100_000;
        for (int i = 0; i < n; i++) {
            below += lengths.output(i) < 150 ? 1 : 0;
            aboveP90 += lengths.output(i) > 150 * Math.exp(0.8 * 1.2816) ? 1 : 0;
            assertTrue(lengths.output(i) >= 1 && lengths.output(i) <= 1000 && lengths.prompt(i) <= 4000);
        }
        assertEquals(0.5, below / (double) n, 0.01);
        assertEquals(0.1, aboveP90 / (double) n, 0.01);
        assertEquals(1.959964, Normal.quantile(0.975), 1e-6);
        assertEquals(-2.326348, Normal.quantile(0.01), 1e-6);
    }

    @Test
    void badRangesAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> Simulation.run(RATES, ALIKE, cluster(1, 1), 0));
        assertThrows(IllegalArgumentException.class, () -> cluster(0, 1));
        assertThrows(IllegalArgumentException.class, () -> new Workload(0, 1, 1, 0, 1, 1));
        assertThrows(IllegalArgumentException.class, () -> new EngineRates("x", 0, new TreeMap<>(Map.of(1, 1.0))));
        assertTrue(assertThrows(IllegalArgumentException.class, () -> Plan.main("--executor", "3")).getMessage().contains("--executors"));
        assertTrue(assertThrows(IllegalArgumentException.class, () -> Plan.main("--out", "x")).getMessage().contains("is needed"));
    }

    private static List<JsonObject> rows(Path file) throws IOException {
        return Files.readAllLines(file).stream().map(l -> JsonParser.parseString(l).getAsJsonObject()).toList();
    }

    /** The program gives the lines that are committed, to the last digit; those of 10 executors and less, which are soon computed. */
    @Test
    void theCommittedFiguresComeAgain(@TempDir Path folder) throws IOException {
        List<JsonObject> committed = rows(RESULTS.resolve("simulation.jsonl"));
        assertTrue(committed.stream().anyMatch(r -> r.get("executors").getAsInt() == 10_000));
        Path out = folder.resolve("again.jsonl");
        Plan.main("--rates", RESULTS.resolve("rates.jsonl").toString(), "--label", "7b-q4_0", "--executors", "1,10", "--out", out.toString());
        List<JsonObject> again = rows(out);
        assertEquals(8, again.size());
        assertEquals(committed.stream().filter(r -> r.get("executors").getAsInt() <= 10).toList(), again);
    }
}
