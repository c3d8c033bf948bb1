package io.jllm.jmh;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.util.Statistics;

/** Results as lines of JSON, each with all that it takes to run it again. */
final class ResultLines {
    private ResultLines() {
    }

    /** A line for each result of a run with those arguments. */
    static List<String> of(Collection<RunResult> results, String arguments) {
        String commit = commit();
        String hardware = hardware();
        return results.stream().map(r -> line(r, arguments, commit, hardware)).toList();
    }

    private static String line(RunResult result, String arguments, String commit, String hardware) {
        BenchmarkParams params = result.getParams();
        var json = new JsonObject();
        json.addProperty("date", LocalDate.now(ZoneOffset.UTC).toString());
        json.addProperty("commit", commit);
        json.addProperty("benchmark", params.getBenchmark().replaceFirst("^io\\.jllm\\.jmh\\.", ""));
        var values = new JsonObject();
        params.getParamsKeys().forEach(key -> values.addProperty(key, params.getParam(key)));
        json.add("params", values);
        Result<?> primary = result.getPrimaryResult();
        Statistics statistics = primary.getStatistics();
        json.addProperty("unit", primary.getScoreUnit());
        json.addProperty("median", rounded(statistics.getPercentile(50)));
        json.addProperty("least", rounded(statistics.getMin()));
        json.addProperty("most", rounded(statistics.getMax()));
        var runs = new JsonArray();
        result.getBenchmarkResults().forEach(fork -> fork.getIterationResults().stream()
                .map(IterationResult::getPrimaryResult).forEach(r -> runs.add(rounded(r.getScore()))));
        json.add("runs", runs);
        result.getSecondaryResults().forEach((name, r) -> json.addProperty(name, rounded(r.getScore())));
        json.addProperty("how", params.getMode().longLabel() + "; " + params.getForks() + " forks, warm-up " + iterations(params.getWarmup())
                + ", measured " + iterations(params.getMeasurement()));
        json.addProperty("hardware", hardware);
        json.addProperty("jdk", System.getProperty("java.vm.vendor") + " " + Runtime.version());
        json.addProperty("command", ("java -jar jmh/target/benchmarks.jar " + arguments).strip());
        return json.toString();
    }

    private static String iterations(IterationParams params) {
        return params.getCount() + " x " + (params.getTime().getTime() == 0 ? "once" : params.getTime());
    }

    /** Five digits: more would be noise. */
    private static double rounded(double value) {
        return value == 0 || !Double.isFinite(value) ? 0 : new BigDecimal(value).round(new MathContext(5)).doubleValue();
    }

    private static String commit() {
        try {
            Process git = new ProcessBuilder("git", "describe", "--always", "--dirty", "--exclude=*")
                    .redirectError(ProcessBuilder.Redirect.DISCARD).start();
            String out = new String(git.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
            return git.waitFor(10, TimeUnit.SECONDS) && git.exitValue() == 0 ? out : "unknown";
        } catch (IOException e) {
            return "unknown";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "unknown";
        }
    }

    private static String hardware() {
        String cpu = System.getProperty("os.arch");
        try {
            cpu = Files.readAllLines(Path.of("/proc/cpuinfo")).stream().filter(l -> l.startsWith("model name"))
                    .map(l -> l.substring(l.indexOf(':') + 1).strip()).findFirst().orElse(cpu);
        } catch (IOException e) {
            // only Linux says
        }
        return Runtime.getRuntime().availableProcessors() + " processors, " + cpu;
    }
}
