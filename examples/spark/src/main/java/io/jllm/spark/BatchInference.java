package io.jllm.spark;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataType;

/**
 * Answers a file of rows: the program to submit. {@code README.md} of this module says how.
 *
 * <p>Answers are written partition by partition. Run again with the same {@code --out}, it answers what has no answer there yet: rows that failed
 * have theirs, which is their error. A folder that was begun with another model, other parameters or other columns is refused.
 */
public final class BatchInference {
    private static final System.Logger LOG = System.getLogger("io.jllm");

    private final SparkSession spark;
    private final BatchOptions options;
    private final Inference inference;

    private BatchInference(SparkSession spark, BatchOptions options) {
        this.spark = spark;
        this.options = options;
        inference = options.inference();
    }

    /**
     * What is in the folder of answers.
     *
     * @param rows answers, failed ones too
     * @param computed how many of them this run added
     * @param failed how many hold an error
     * @param promptTokens tokens of all prompts
     * @param completionTokens tokens that were generated for all
     */
    public record Report(long rows, long computed, long failed, long promptTokens, long completionTokens) {
    }

    /**
     * Runs by options, in a session of its own.
     *
     * @param args see the module's README
     * @throws IllegalArgumentException if they, or the input, are wrong
     */
    public static void main(String... args) {
        BatchOptions options = BatchOptions.parse(args, BatchInference::read);
        var builder = SparkSession.builder().appName("jLLM batch inference").config("spark.plugins", JllmPlugin.class.getName());
        options.model().ifPresent(m -> builder.config(EngineSettings.PREFIX + EngineSettings.MODEL, m));
        SparkSession spark = builder.getOrCreate();
        try {
            Report report = new BatchInference(spark, options).run();
            LOG.log(System.Logger.Level.INFO, () -> options.out() + " holds " + report);
        } finally {
            spark.stop();
        }
    }

    /**
     * Runs by options in a session that has {@link JllmPlugin}.
     *
     * @throws IllegalArgumentException if they, or the input, are wrong
     */
    public static Report run(SparkSession spark, String... args) {
        return new BatchInference(spark, BatchOptions.parse(args, BatchInference::read)).run();
    }

    private static String read(String file) {
        try {
            return Files.readString(Path.of(file));
        } catch (IOException e) {
            throw new UncheckedIOException("--schema " + file + " cannot be read: " + e, e);
        }
    }

    private Report run() {
        SparkConf conf = spark.sparkContext().getConf();
        if (conf.getBoolean("spark.speculation", false)) {
            throw new IllegalArgumentException("spark.speculation is on, which would compute slow partitions twice: set it to false");
        }
        Set<String> columns = new LinkedHashSet<>(List.of(inference.id(), inference.input()));
        inference.paramsColumn().ifPresent(columns::add);
        Dataset<Row> rows = options.inFormat().rows(spark, options.in(), columns);
        inference.apply(rows); // says what is wrong with the columns
        Column id = rows.col(Inference.quoted(inference.id()));
        long all = checkIds(rows, id);
        DataType ids = rows.schema().apply(inference.id()).dataType();
        new OutputFolder(spark, options.out()).claim(claim(conf));
        Dataset<Row> before = options.outFormat().answers(spark, options.out(), inference.schema(ids));
        Dataset<Row> missing = rows.join(before, id.equalTo(before.col("id")), "left_anti");
        long count = missing.count();
        LOG.log(System.Logger.Level.INFO, "of {0} rows {1} have no answer yet", all, count);
        if (count > 0) {
            options.outFormat().append(inference.apply(parts(missing, count)), options.out());
        }
        return report(ids, count);
    }

    /** How many rows there are. */
    private long checkIds(Dataset<Row> rows, Column id) {
        Column count = functions.col("count");
        Row sums = rows.groupBy(id.as("id")).count().agg(functions.coalesce(functions.sum(count), functions.lit(0L)),
                functions.max(functions.when(functions.col("id").isNull(), count)),
                functions.max_by(functions.col("id"), functions.when(functions.col("id").isNotNull(), count)),
                functions.max(functions.when(functions.col("id").isNotNull(), count))).first();
        if (!sums.isNullAt(1)) {
            throw new IllegalArgumentException(sums.getLong(1) + " rows of " + options.in() + " have no id in column " + inference.id()
                    + ", or are lines that cannot be read");
        }
        if (!sums.isNullAt(3) && sums.getLong(3) > 1) {
            throw new IllegalArgumentException("id " + sums.get(2) + " stands in " + sums.getLong(3) + " rows of " + options.in()
                    + "; ids tell which rows are answered, so no two may be alike");
        }
        return sums.getLong(0);
    }

    /** All that answers depend on but the rows. */
    private JsonObject claim(SparkConf conf) {
        var claim = new JsonObject();
        claim.addProperty("model", conf.get(EngineSettings.PREFIX + EngineSettings.MODEL));
        claim.addProperty("task", inference.task().name());
        claim.addProperty("format", options.outFormat().name());
        claim.addProperty("id_column", inference.id());
        claim.addProperty("input_column", inference.input());
        claim.addProperty("params", inference.params());
        claim.addProperty("params_column", inference.paramsColumn().orElse(""));
        claim.addProperty("schema", inference.schema().orElse(""));
        claim.addProperty("chatml", inference.chatml());
        claim.addProperty("dimensions", inference.dimensions());
        return claim;
    }

    /** Cut so that a part is soon computed again where a machine is lost; by the id alone, so that a part is the same each time. */
    private Dataset<Row> parts(Dataset<Row> rows, long count) {
        int parts = options.partitions().orElse((int) Math.min(Integer.MAX_VALUE, Math.ceilDiv(count, options.rowsPerPartition())));
        Column id = rows.col(Inference.quoted(inference.id()));
        if (!options.sortByPrefix()) {
            return rows.repartition(parts, id);
        }
        Column input = rows.col(Inference.quoted(inference.input()));
        return rows.repartitionByRange(parts, input, id).sortWithinPartitions(input, id); // the id parts rows that are all alike
    }

    private Report report(DataType ids, long computed) {
        Dataset<Row> all = options.outFormat().answers(spark, options.out(), inference.schema(ids));
        Row sums = all.agg(functions.count(functions.lit(1)), functions.count(functions.col("error")),
                functions.coalesce(functions.sum("prompt_tokens"), functions.lit(0L)),
                functions.coalesce(functions.sum("completion_tokens"), functions.lit(0L))).first();
        return new Report(sums.getLong(0), computed, sums.getLong(1), sums.getLong(2), sums.getLong(3));
    }
}
