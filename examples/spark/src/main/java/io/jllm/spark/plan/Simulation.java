package io.jllm.spark.plan;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.PriorityQueue;

/**
 * Executors that answer partitions. The driver hands the next partition to whichever executor has a free place first; those of an executor that
 * failed are handed out again before others. Answers of a partition count once all are written. All of it follows from the seeds.
 *
 * <p>What it leaves out: rows travel at no cost; executors of one machine do not slow each other down; the driver does not fail; an executor that
 * still has tasks looks for partitions that came back only when one of these ends.
 */
public final class Simulation {
    private final Cluster cluster;
    private final Workload workload;
    private final EngineRates rates;
    private final int rowsPerPartition;
    private final Deque<Partition> waiting = new ArrayDeque<>();
    private final PriorityQueue<SimulatedExecutor> busy;
    private final Deque<SimulatedExecutor> idle = new ArrayDeque<>();
    private final double[] ended; // when partitions were
    private int endedCount;
    private long rowsEnded;
    private double driverFree;
    private long failures;
    private long lostTokens;
    private int mostFailures;

    private Simulation(EngineRates rates, Workload workload, Cluster cluster, int rowsPerPartition) {
        this.rates = rates;
        this.workload = workload;
        this.cluster = cluster;
        this.rowsPerPartition = rowsPerPartition;
        busy = new PriorityQueue<>(cluster.executors(),
                Comparator.comparingDouble(SimulatedExecutor::now).thenComparingInt(SimulatedExecutor::index));
        ended = new double[(int) Math.ceilDiv(workload.rows(), (long) rowsPerPartition)];
    }

    /**
     * Simulates a job.
     *
     * @param rowsPerPartition rows of each partition but perhaps the last
     * @throws IllegalArgumentException if partitions are more than 100 million, or hold no row
     */
    public static Forecast run(EngineRates rates, Workload workload, Cluster cluster, int rowsPerPartition) {
        if (rowsPerPartition < 1 || workload.rows() / rowsPerPartition > 100_000_000) {
            throw new IllegalArgumentException(workload.rows() + " rows in partitions of " + rowsPerPartition
                    + "; these must hold at least a row, and be at most 100 million");
        }
        return new Simulation(rates, workload, cluster, rowsPerPartition).run();
    }

    private Forecast run() {
        for (long first = 0; first < workload.rows(); first += rowsPerPartition) {
            waiting.add(new Partition(first, (int) Math.min(rowsPerPartition, workload.rows() - first), 0));
        }
        Workload.Lengths lengths = workload.lengths();
        double[] steps = new double[cluster.maxSequences() + 1];
        Arrays.setAll(steps, n -> n == 0 ? 0 : rates.stepSeconds(n));
        for (int i = 0; i < cluster.executors(); i++) {
            var executor = new SimulatedExecutor(i, cluster, lengths, steps, 1 / rates.promptTokensPerSecond());
            executor.start(0);
            busy.add(executor);
        }
        while (endedCount < ended.length) {
            SimulatedExecutor next = busy.remove();
            if (happened(next)) {
                handOut(next);
            }
        }
        Arrays.sort(ended);
        return Forecast.of(rates, workload, cluster, rowsPerPartition, lengths, ended, rowsEnded, failures, lostTokens, mostFailures);
    }

    /** Whether it can take tasks now. */
    private boolean happened(SimulatedExecutor executor) {
        return switch (executor.event()) {
            case STARTED -> true;
            case TASK_ENDED -> {
                rowsEnded += executor.takeEnded().rows();
                ended[endedCount++] = executor.now() + cluster.taskSeconds() / 2; // the other half was at its beginning
                yield true;
            }
            case FAILED -> {
                failures++;
                lostTokens += executor.abandon(p -> {
                    mostFailures = Math.max(mostFailures, p.failures() + 1);
                    waiting.addFirst(p.again());
                });
                double time = executor.now();
                while (!idle.isEmpty() && !waiting.isEmpty()) {
                    SimulatedExecutor woken = idle.remove();
                    woken.wake(time);
                    handOut(woken);
                }
                executor.start(time);
                busy.add(executor);
                yield false;
            }
        };
    }

    /** Fills the places of an executor and has it compute until something happens to it. */
    private void handOut(SimulatedExecutor executor) {
        while (executor.hasFreeSlot() && !waiting.isEmpty()) {
            driverFree = Math.max(driverFree, executor.now()) + cluster.driverSeconds();
            executor.take(waiting.remove(), driverFree + cluster.taskSeconds() / 2);
        }
        if (executor.isIdle()) {
            idle.add(executor);
        } else {
            executor.run();
            busy.add(executor);
        }
    }
}
