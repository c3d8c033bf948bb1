package io.jllm.spark.plan;

import com.google.gson.JsonObject;
import java.math.BigDecimal;
import java.math.MathContext;

/**
 * What a job takes.
 *
 * @param rows that were answered: all
 * @param seconds from the start of the first executor until all rows are answered
 * @param halfSeconds until half of the partitions are
 * @param nearlySeconds until 99 of 100 partitions are: what is between this and {@code seconds} is the tail
 * @param tokensPerSecond tokens of answers by {@code seconds}
 * @param efficiency the time in which as many engines with full batches, that are there from the start and never fail, would be done, by
 *     {@code seconds}
 * @param executorHoursPerMillionRows what executors cost that are held until all is done; times the price of an hour, what a million rows costs
 * @param failures of executors
 * @param lostPart which part of the tokens was generated in vain
 * @param mostFailures of one partition; Spark ends a job at its {@code spark.task.maxFailures}, which is 4 where nobody sets it
 * @param inputs what it was computed from
 */
public record Forecast(long rows, double seconds, double halfSeconds, double nearlySeconds, double tokensPerSecond, double efficiency,
                       double executorHoursPerMillionRows, long failures, double lostPart, int mostFailures, JsonObject inputs) {
    /** @param ended when partitions were, sorted */
    static Forecast of(EngineRates rates, Workload workload, Cluster cluster, int rowsPerPartition, Workload.Lengths lengths, double[] ended,
                       long rows, long failures, long lostTokens, int mostFailures) {
        long prompts = 0;
        long outputs = 0;
        for (long row = 0; row < workload.rows(); row++) {
            prompts += lengths.prompt(row);
            outputs += lengths.output(row);
        }
        int full = cluster.maxSequences();
        double ideal = (prompts / rates.promptTokensPerSecond() + outputs * rates.stepSeconds(full) / full) / cluster.executors();
        double seconds = ended[ended.length - 1];
        var inputs = new JsonObject();
        inputs.add("rates", rates.json());
        inputs.add("workload", workload.json());
        inputs.add("cluster", cluster.json());
        inputs.addProperty("rows_per_partition", rowsPerPartition);
        return new Forecast(rows, seconds, at(ended, 0.5), at(ended, 0.99), outputs / seconds, ideal / seconds,
                cluster.executors() * seconds / 3600 * 1e6 / workload.rows(), failures, (double) lostTokens / (outputs + lostTokens), mostFailures,
                inputs);
    }

    private static double at(double[] sorted, double part) {
        return sorted[(int) Math.ceil(part * sorted.length) - 1];
    }

    /** A line for people and programs; figures to four digits. */
    public JsonObject json() {
        var json = new JsonObject();
        json.addProperty("executors", inputs.getAsJsonObject("cluster").get("executors").getAsInt());
        json.addProperty("rows", rows);
        json.add("rows_per_partition", inputs.get("rows_per_partition"));
        json.addProperty("seconds", digits(seconds));
        json.addProperty("half_s", digits(halfSeconds));
        json.addProperty("p99_s", digits(nearlySeconds));
        json.addProperty("tokens_per_s", digits(tokensPerSecond));
        json.addProperty("efficiency", digits(efficiency));
        json.addProperty("executor_hours_per_million_rows", digits(executorHoursPerMillionRows));
        json.addProperty("failures", failures);
        json.addProperty("lost_part", digits(lostPart));
        json.addProperty("most_failures", mostFailures);
        json.add("inputs", inputs);
        return json;
    }

    private static double digits(double value) {
        return value == 0 ? 0 : new BigDecimal(value).round(new MathContext(4)).doubleValue();
    }
}
