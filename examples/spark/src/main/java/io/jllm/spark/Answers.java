package io.jllm.spark;

import io.jllm.LLM;
import io.jllm.batch.Results;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.Optional;
import java.util.Queue;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.apache.spark.sql.Row;

/**
 * The rows of answers of one partition, in the order of its rows. For one thread.
 *
 * @param <T> a result of the engine
 */
final class Answers<T> implements Iterator<Row>, AutoCloseable {
    private final LLM llm;
    private final Results<T> results;
    private final BiFunction<Asked, T, Row> written;
    /** Rows that are read and not answered: as many as results are begun. */
    private final Queue<Asked> asked = new ArrayDeque<>();

    /**
     * A row that is read.
     *
     * @param row the row
     * @param refusal why it cannot be asked, if so
     */
    record Asked(Row row, Optional<String> refusal) {
    }

    /**
     * Reads rows.
     *
     * @param <R> what the engine is asked
     */
    interface Reader<R> {
        /** The request of a row. */
        R read(Row row);

        /** One that fails in the engine, at no cost, in the place of a row that cannot be read. */
        R failing();
    }

    /**
     * @param asking begins the requests
     * @param written writes the row of a result
     */
    <R> Answers(LLM llm, Iterator<Row> rows, Reader<R> reader, Function<Iterator<R>, Results<T>> asking, BiFunction<Asked, T, Row> written) {
        this.llm = llm;
        this.written = written;
        results = asking.apply(new Iterator<>() {
            @Override
            public boolean hasNext() {
                return rows.hasNext();
            }

            @Override
            public R next() {
                Row row = rows.next();
                R request;
                Optional<String> refusal = Optional.empty();
                try {
                    request = reader.read(row);
                } catch (IllegalArgumentException e) {
                    request = reader.failing();
                    refusal = Optional.of(e.getMessage());
                }
                asked.add(new Asked(row, refusal));
                return request;
            }
        });
    }

    @Override
    public boolean hasNext() {
        return results.hasNext();
    }

    @Override
    public Row next() {
        try {
            T result = results.next();
            return written.apply(asked.remove(), result);
        } catch (IllegalStateException e) {
            ExecutorEngine.replaceIfClosed(llm); // it may have broken: Spark has the partition computed again, by another
            throw e;
        }
    }

    @Override
    public void close() {
        results.close();
    }
}
