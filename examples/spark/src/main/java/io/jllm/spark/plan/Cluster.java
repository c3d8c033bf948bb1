package io.jllm.spark.plan;

import com.google.gson.JsonObject;

/**
 * Machines, and what happens to them.
 *
 * @param executors how many, each with an engine
 * @param tasks of an executor at a time
 * @param maxSequences of an engine
 * @param startSeconds the median of the time until an executor runs, its model not loaded
 * @param loadSeconds the median of the time to load the model
 * @param startSpread sigma of both, which are log-normal
 * @param slowPart which part of the executors is slow
 * @param slowFactor how many times as long a slow one takes
 * @param failuresPerHour of one executor; it is replaced by another, which has to start and load
 * @param driverSeconds in which the driver hands out a task; it hands out one at a time
 * @param taskSeconds in which a task begins, and its answers are written
 * @param seed of all that happens
 */
public record Cluster(int executors, int tasks, int maxSequences, double startSeconds, double loadSeconds, double startSpread, double slowPart,
                      double slowFactor, double failuresPerHour, double driverSeconds, double taskSeconds, long seed) {
    /** Checks ranges. */
    public Cluster {
        if (executors < 1 || tasks < 1 || maxSequences < 1 || !(startSeconds >= 0) || !(loadSeconds >= 0)
                || !(startSpread >= 0 && startSpread <= 3) || !(slowPart >= 0 && slowPart <= 1) || !(slowFactor >= 1)
                || !(failuresPerHour >= 0) || !(driverSeconds >= 0) || !(taskSeconds >= 0)) {
            throw new IllegalArgumentException("executors, tasks and sequences must be at least 1, seconds and failures at least 0, the spread in 0 to "
                    + "3, the slow part in 0 to 1, the slow factor at least 1; was " + executors + ", " + tasks + ", " + maxSequences + "; " + startSeconds
                    + ", " + loadSeconds + ", " + driverSeconds + ", " + taskSeconds + ", " + failuresPerHour + "; " + startSpread + "; " + slowPart
                    + "; " + slowFactor);
        }
    }

    /** The same with so many. */
    public Cluster withExecutors(int count) {
        return new Cluster(count, tasks, maxSequences, startSeconds, loadSeconds, startSpread, slowPart, slowFactor, failuresPerHour, driverSeconds,
                taskSeconds, seed);
    }

    JsonObject json() {
        var json = new JsonObject();
        json.addProperty("executors", executors);
        json.addProperty("tasks", tasks);
        json.addProperty("max_sequences", maxSequences);
        json.addProperty("start_s", startSeconds);
        json.addProperty("load_s", loadSeconds);
        json.addProperty("start_spread", startSpread);
        json.addProperty("slow_part", slowPart);
        json.addProperty("slow_factor", slowFactor);
        json.addProperty("failures_per_hour", failuresPerHour);
        json.addProperty("driver_s", driverSeconds);
        json.addProperty("task_s", taskSeconds);
        json.addProperty("seed", seed);
        return json;
    }
}
