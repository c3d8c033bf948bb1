package io.jllm.jmh.results;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.math.BigDecimal;
import java.math.MathContext;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.List;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.util.Statistics;

/** Results as lines of JSON, each with all that it takes to run it again. */
public final class ResultLines {
    private ResultLines() {
    }

    /** A line for each result of a run with those arguments. */
    public static List<String> of(Collection<RunResult> results, String arguments) {
        String commit = Provenance.commit();
        String hardware = Provenance.hardware();
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
        json.addProperty("jdk", Provenance.jdk());
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
}
