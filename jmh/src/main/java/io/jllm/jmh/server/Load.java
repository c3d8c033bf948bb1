package io.jllm.jmh.server;

import com.google.gson.Gson;
import com.sun.management.OperatingSystemMXBean;
import io.jllm.LLM;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Many at once, each of whom asks again as soon as it is answered, for so long.
 *
 * @param lost how many requests were not answered
 * @param tokens of all answers
 * @param seconds to the last of them
 * @param cpuMillis processor time of the process that asked: what a busy machine spoils least
 * @param firstNanos how long each request waited for its first piece, in ascending order
 */
record Load(int lost, long tokens, double seconds, double cpuMillis, long[] firstNanos) {
    /** Tokens of an answer. */
    static final int TOKENS = 32;

    private static final OperatingSystemMXBean PROCESS = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static final Gson GSON = new Gson();

    /** Processor time of this process so far. */
    static double processMillis() {
        return PROCESS.getProcessCpuTime() / 1e6;
    }

    /** The beginnings of tales, of which no two are the same. */
    static String prompt(int client, int number) {
        return "Once upon a time there was king number " + client + ", who in year " + number + " said";
    }

    /** Of an engine in this JVM, a virtual thread a client. */
    static Load of(LLM llm, int clients, double seconds) throws InterruptedException, ExecutionException {
        var load = new Builder();
        long end = System.nanoTime() + (long) (seconds * 1e9);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Void>> futures = new ArrayList<>();
            for (int i = 0; i < clients; i++) {
                int number = i;
                futures.add(threads.submit((Callable<Void>) () -> {
                    ask(llm, number, end, load);
                    return null;
                }));
            }
            for (Future<Void> f : futures) {
                f.get();
            }
        }
        return load.build();
    }

    private static void ask(LLM llm, int client, long end, Builder load) throws IOException, InterruptedException {
        try (Asking asking = Asking.engine(llm)) {
            for (int i = 0; System.nanoTime() < end; i++) {
                load.add(asking.ask(prompt(client, i), TOKENS));
            }
        } catch (ExecutionException _) {
            load.lost();
        }
    }

    static Load read(String line) {
        return GSON.fromJson(line, Load.class);
    }

    /** As {@link #read} reads it. */
    String line() {
        return GSON.toJson(this);
    }

    double tokensPerSecond() {
        return tokens / seconds;
    }

    double cpuPerToken() {
        return cpuMillis / tokens;
    }

    /** How long that part of them waited at most, in milliseconds. */
    double firstMillis(double part) {
        return firstNanos.length == 0 ? 0 : firstNanos[(int) Math.min(firstNanos.length - 1, part * firstNanos.length)] / 1e6;
    }

    /** Counts from when it is made. Safe for all threads. */
    static final class Builder {
        private final long begin = System.nanoTime();
        private final double cpuBefore = processMillis();
        private long[] first = new long[1024];
        private int count;
        private long tokens;
        private int lost;

        synchronized void add(Asking.Answered answered) {
            first = count == first.length ? Arrays.copyOf(first, 2 * count) : first;
            first[count++] = answered.firstNanos();
            tokens += answered.tokens();
        }

        synchronized void lost() {
            lost++;
        }

        synchronized Load build() {
            long[] sorted = Arrays.copyOf(first, count);
            Arrays.sort(sorted);
            return new Load(lost, tokens, (System.nanoTime() - begin) / 1e9, processMillis() - cpuBefore, sorted);
        }
    }
}
