package io.jllm.spark;

import io.jllm.LLM;
import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.util.TaskCompletionListener;

/** What a task does with its partition: the rows through the executor's engine. Copy it where your rows are of another kind. */
final class Answering implements MapPartitionsFunction<Row, Row> {
    private static final long serialVersionUID = 1L;

    private final Inference.Wire inference;

    Answering(Inference inference) {
        this.inference = Inference.Wire.of(inference);
    }

    @Override
    public Iterator<Row> call(Iterator<Row> rows) {
        LLM llm = JllmPlugin.llm();
        Answers<?> answers = new RowRequests(llm, inference.inference()).answers(rows);
        // A task that fails or is killed gives its places in the batch back; one that has ended has none.
        TaskContext.get().addTaskCompletionListener((TaskCompletionListener) _ -> answers.close());
        return answers;
    }
}
