package io.jllm.jmh;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.jmh.results.ResultLines;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Every benchmark runs: once, with little to do, in this JVM. */
class SmokeTest {
    @Test
    void everyBenchmarkRuns() throws Exception {
        Collection<RunResult> results = new Runner(new OptionsBuilder().forks(0).warmupIterations(0).measurementIterations(1)
                .measurementTime(TimeValue.milliseconds(1)).shouldFailOnError(true).verbosity(VerboseMode.SILENT)
                // Sizes that benchmarks have in common; a benchmark without such a parameter takes no notice.
                .param("requests", "3").param("batch", "2").param("prefix", "40").param("question", "4").param("answer", "4").param("length", "4")
                .param("mebibytes", "1")
                .build()).run();
        Set<String> ran = results.stream().map(r -> r.getParams().getBenchmark()).collect(Collectors.toSet());
        assertTrue(ran.size() >= 3, ran.toString());

        List<String> lines = ResultLines.of(results, "-f 0");
        assertEquals(results.size(), lines.size());
        for (String line : lines) {
            JsonObject json = JsonParser.parseString(line).getAsJsonObject();
            assertTrue(json.get("median").getAsDouble() > 0, line);
            assertEquals("java -jar jmh/target/benchmarks.jar -f 0", json.get("command").getAsString());
        }
    }
}
