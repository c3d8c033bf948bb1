package io.jllm.spark;

import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.DataFrameWriter;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** How rows lie in files. */
enum FileFormat {
    PARQUET, JSONL, CSV;

    private static final String COMMITS = "mapreduce.fileoutputcommitter.algorithm.version";

    /** The one that is named, else the one that the ending of a path says. */
    static FileFormat of(Optional<String> named, String path, String option) {
        String name = named.orElseGet(() -> path.replaceAll("\\.(gz|zst|bz2)$", "").replaceAll(".*\\.", "")).toLowerCase(Locale.ROOT);
        return switch (name) {
            case "parquet" -> PARQUET;
            case "jsonl", "json", "ndjson" -> JSONL;
            case "csv" -> CSV;
            default -> throw new IllegalArgumentException(named.isPresent() ? option + " is " + name + "; it must be parquet, jsonl or csv"
                    : "the ending of " + path + " does not tell its format: give " + option + ", parquet, jsonl or csv");
        };
    }

    /** Input. Columns of JSON lines and CSV are strings; of JSON lines, what is nested keeps its JSON text. */
    Dataset<Row> rows(SparkSession spark, String path, Set<String> columns) {
        return switch (this) {
            case PARQUET -> spark.read().parquet(path);
            case JSONL -> {
                StructType texts = new StructType();
                for (String c : columns) {
                    texts = texts.add(c, DataTypes.StringType);
                }
                yield spark.read().schema(texts).json(path);
            }
            case CSV -> csv(spark.read()).csv(path);
        };
    }

    private static DataFrameReader csv(DataFrameReader reader) {
        return reader.option("header", true).option("multiLine", true).option("escape", "\"");
    }

    /** Answers that were written before. */
    Dataset<Row> answers(SparkSession spark, String path, StructType schema) {
        DataFrameReader reader = spark.read().schema(schema);
        return switch (this) {
            case PARQUET -> reader.parquet(path);
            case JSONL -> reader.json(path);
            case CSV -> csv(reader).csv(path);
        };
    }

    /** Adds answers to those that are there. A partition's are there as soon as it is done, whatever becomes of the others. */
    void append(Dataset<Row> answers, String path) {
        DataFrameWriter<Row> writer = answers.write().mode(SaveMode.Append).option(COMMITS, "2");
        switch (this) {
            case PARQUET -> writer.parquet(path);
            case JSONL -> writer.json(path);
            case CSV -> writer.option("header", true).option("escape", "\"").option("ignoreLeadingWhiteSpace", false)
                    .option("ignoreTrailingWhiteSpace", false).csv(path);
        }
    }
}
