package io.jllm.spark;

import io.jllm.SamplingParams;
import io.jllm.chat.ChatOptions;
import io.jllm.constraint.Constraint;
import io.jllm.embedding.EmbeddingParams;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * What is asked of the model for each row of a dataset; {@link #apply} maps the dataset to one of answers. Immutable.
 *
 * {@snippet :
 * Dataset<Row> answers = Inference.messages("id", "messages").withParams("{\"temperature\": 0.7, \"max_tokens\": 200}").apply(questions);
 * }
 *
 * <p>Each task keeps a window of its partition's rows in the engine of its executor, which all tasks of the executor share: rows of all join one
 * batch, whatever the partitions are. A row that cannot be answered fails alone, and says why in its column {@code error}.
 *
 * <p>A row draws from a seed that its id and {@code seed} of the parameters (0 without) give, so that a task that runs again, on another machine or
 * another day, gives the same text; one that sets {@code seed} in parameters of its own draws from that.
 *
 * @param task what is made of a row
 * @param id the column of ids: strings or whole numbers, no two alike
 * @param input the column of prompts, texts or conversations. Conversations are JSON text, or arrays of structs, with {@code role} and
 *     {@code content}
 * @param params settings of sampling for all rows, a JSON object: temperature, top_p, top_k, min_p, max_tokens, min_tokens,
 *     repetition_penalty, presence_penalty, frequency_penalty, stop, stop_token_ids, ignore_eos, seed. What it does not say is as the model's
 *     authors recommend it
 * @param paramsColumn a column of such objects, which go before {@code params}; null in a row changes nothing
 * @param schema a JSON schema that binds the answers
 * @param chatml whether conversations are written in the form of ChatML where the model has no template; else they fail
 * @param dimensions how many numbers of a vector to keep, for models that were trained for it; 0 keeps all
 */
public record Inference(Task task, String id, String input, String params, Optional<String> paramsColumn, Optional<String> schema, boolean chatml,
                        int dimensions) {
    /** What is made of a row. */
    public enum Task {
        /** A text that goes on with a prompt. */
        GENERATE,
        /** An answer to a conversation. */
        CHAT,
        /** A vector of a text, pooled as the model's files say, of length 1. */
        EMBED
    }

    /**
     * Reads and compiles what is the same for all rows, to say what is wrong with it before a machine is asked for.
     *
     * @throws IllegalArgumentException if parameters or schema cannot be read, or do not go with the task
     */
    public Inference {
        Objects.requireNonNull(task, "task");
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(input, "input");
        Parameters.read(params, SamplingParams.neutral());
        schema.ifPresent(Constraint::jsonSchema);
        if (dimensions < 0) {
            throw new IllegalArgumentException("dimensions is " + dimensions + "; it must be at least 0 (0 keeps all)");
        }
        if (task == Task.EMBED && (schema.isPresent() || paramsColumn.isPresent() || !Parameters.object(params, "the parameters are").isEmpty())) {
            throw new IllegalArgumentException("vectors are not sampled: leave parameters and schema out");
        }
        if (task != Task.EMBED && dimensions > 0) {
            throw new IllegalArgumentException("dimensions are for vectors alone; ask for them by Inference.embeddings");
        }
    }

    private static Inference of(Task task, String id, String input) {
        return new Inference(task, id, input, "{}", Optional.empty(), Optional.empty(), false, 0);
    }

    /** Texts that go on with prompts. */
    public static Inference prompts(String id, String input) {
        return of(Task.GENERATE, id, input);
    }

    /** Answers to conversations. */
    public static Inference messages(String id, String input) {
        return of(Task.CHAT, id, input);
    }

    /** Vectors of texts. */
    public static Inference embeddings(String id, String input) {
        return of(Task.EMBED, id, input);
    }

    /** The same with these parameters for all rows. */
    public Inference withParams(String json) {
        return new Inference(task, id, input, json, paramsColumn, schema, chatml, dimensions);
    }

    /** The same with parameters of each row's own. */
    public Inference withParamsColumn(String column) {
        return new Inference(task, id, input, params, Optional.of(column), schema, chatml, dimensions);
    }

    /** The same with answers that a JSON schema binds. */
    public Inference withSchema(String json) {
        return new Inference(task, id, input, params, paramsColumn, Optional.of(json), chatml, dimensions);
    }

    /** The same with ChatML where the model has no template of its own. */
    public Inference withChatml() {
        return new Inference(task, id, input, params, paramsColumn, schema, true, dimensions);
    }

    /** The same with the first so many numbers of each vector. */
    public Inference withDimensions(int count) {
        return new Inference(task, id, input, params, paramsColumn, schema, chatml, count);
    }

    /**
     * The columns of the answers, with ids of that type. All but the id may be null: {@code error} where there is none, and what a row that failed
     * does not have.
     */
    public StructType schema(DataType ids) {
        StructType type = new StructType().add("id", ids);
        StructType answer = switch (task) {
            case GENERATE -> type.add("text", DataTypes.StringType).add("finish_reason", DataTypes.StringType);
            case CHAT -> type.add("text", DataTypes.StringType).add("reasoning", DataTypes.StringType).add("finish_reason", DataTypes.StringType);
            case EMBED -> type.add("embedding", DataTypes.createArrayType(DataTypes.FloatType));
        };
        return answer.add("prompt_tokens", DataTypes.IntegerType).add("cached_tokens", DataTypes.IntegerType)
                .add("completion_tokens", DataTypes.IntegerType).add("error", DataTypes.StringType);
    }

    /**
     * The answers, a row each, in the partitions and the order of the rows. Nothing is computed before they are asked for, and all of it anew each
     * time: write them, or persist them.
     *
     * @throws IllegalArgumentException if a column is not there, or of a type that cannot be read
     */
    public Dataset<Row> apply(Dataset<Row> rows) {
        StructType given = rows.schema();
        DataType ids = type(given, id);
        if (!ids.equals(DataTypes.StringType) && !ids.equals(DataTypes.LongType) && !ids.equals(DataTypes.IntegerType)) {
            throw new IllegalArgumentException("the ids in column " + id + " are of type " + ids.simpleString() + "; they must be string, bigint or int");
        }
        Column params = paramsColumn.map(c -> text(given, c)).orElse(functions.lit(null).cast(DataTypes.StringType));
        Dataset<Row> asked = rows.select(functions.col(quoted(id)).as("id"), text(given, input).as("input"), params.as("params"));
        MapPartitionsFunction<Row, Row> answering = new Answering(this);
        return asked.mapPartitions(answering, Encoders.row(schema(ids)));
    }

    /** A column as text; what is nested as JSON. */
    private Column text(StructType given, String column) {
        Column c = functions.col(quoted(column));
        return switch (type(given, column)) {
            case DataType t when t.equals(DataTypes.StringType) -> c;
            case ArrayType _ when task == Task.CHAT && column.equals(input) -> functions.to_json(c);
            case StructType _ when paramsColumn.filter(column::equals).isPresent() -> functions.to_json(c);
            case DataType t -> throw new IllegalArgumentException("column " + column + " is of type " + t.simpleString()
                    + "; it must be string" + (task == Task.CHAT && column.equals(input) ? ", or an array of structs with role and content" : ""));
        };
    }

    /** A name as Spark reads it, dots and all. */
    static String quoted(String column) {
        return "`" + column.replace("`", "``") + "`";
    }

    private static DataType type(StructType given, String column) {
        if (!List.of(given.fieldNames()).contains(column)) {
            throw new IllegalArgumentException("there is no column " + column + " in the input; there are " + String.join(", ", given.fieldNames()));
        }
        return given.apply(column).dataType();
    }

    ChatOptions chatOptions() {
        return chatml ? ChatOptions.builder().withoutTemplate(ChatOptions.WithoutTemplate.CHATML).build() : ChatOptions.defaults();
    }

    EmbeddingParams embeddingParams() {
        EmbeddingParams all = EmbeddingParams.defaults();
        return dimensions == 0 ? all : all.withDimensions(dimensions);
    }
}
