package io.jllm.spark;

import java.util.Iterator;
import java.util.Optional;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.util.TaskCompletionListener;

/** What a task does with its partition: the rows through the executor's engine. Copy it where your rows are of another kind. */
final class Answering implements MapPartitionsFunction<Row, Row> {
    private static final long serialVersionUID = 1L;

    // Of an inference what tasks need; it is not serializable itself, and its columns are chosen already.
    private final Inference.Task task;
    private final String input;
    private final String params;
    private final String schema; // empty if there is none
    private final boolean chatml;
    private final int dimensions;

    Answering(Inference inference) {
        task = inference.task();
        input = inference.input();
        params = inference.params();
        schema = inference.schema().orElse("");
        chatml = inference.chatml();
        dimensions = inference.dimensions();
    }

    @Override
    public Iterator<Row> call(Iterator<Row> rows) {
        var inference = new Inference(task, "id", input, params, Optional.empty(), Optional.of(schema).filter(s -> !s.isEmpty()), chatml, dimensions);
        Answers<?> answers = new RowRequests(JllmPlugin.llm(), inference).answers(rows);
        // A task that fails or is killed gives its places in the batch back; one that has ended has none.
        TaskContext.get().addTaskCompletionListener((TaskCompletionListener) _ -> answers.close());
        return answers;
    }
}
