package io.jllm.spark.plan;

/**
 * Rows that a task answers.
 *
 * @param first the number of the first
 * @param rows how many
 * @param failures how often executors failed while they answered it
 */
record Partition(long first, int rows, int failures) {
    /** The same after another failure. */
    Partition again() {
        return new Partition(first, rows, failures + 1);
    }
}
