package io.jllm.jmh.server;

import com.sun.management.OperatingSystemMXBean;
import io.jllm.LLM;
import io.jllm.server.LlmServer;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;

/**
 * Many at once, each of whom asks again as soon as it is answered, for so long.
 *
 * @param requests how many were answered
 * @param lost how many were not
 * @param tokensPerSecond tokens of all answers by the time to the last of them
 * @param cpuPerToken processor time of the whole JVM by token, in milliseconds: what a busy machine spoils least
 * @param firstNanos how long each waited for its first piece, in ascending order
 */
record Load(int requests, int lost, double tokensPerSecond, double cpuPerToken, long[] firstNanos) {
    private static final OperatingSystemMXBean PROCESS = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static final int TOKENS = 32;

    /** Makes one who asks. */
    @FunctionalInterface
    interface Comer {
        Asking come() throws IOException;
    }

    /** What one of them got. */
    private record Got(int lost, long tokens, long[] firstNanos) {
    }

    static Load of(LLM llm, int clients, double seconds) throws InterruptedException, ExecutionException {
        return of(() -> Asking.engine(llm), clients, seconds);
    }

    static Load of(LlmServer server, int clients, double seconds) throws InterruptedException, ExecutionException {
        return of(() -> Asking.server(server), clients, seconds);
    }

    private static Load of(Comer comer, int clients, double seconds) throws InterruptedException, ExecutionException {
        long cpu = PROCESS.getProcessCpuTime();
        long begin = System.nanoTime();
        long end = begin + (long) (seconds * 1e9);
        var all = new ArrayList<Got>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Got>> futures = new ArrayList<>();
            for (int i = 0; i < clients; i++) {
                int number = i;
                futures.add(threads.submit((Callable<Got>) () -> one(comer, number, end)));
            }
            for (Future<Got> f : futures) {
                all.add(f.get());
            }
        }
        double took = (System.nanoTime() - begin) / 1e9;
        long[] first = all.stream().flatMapToLong(g -> LongStream.of(g.firstNanos)).sorted().toArray();
        long tokens = all.stream().mapToLong(Got::tokens).sum();
        return new Load(first.length, all.stream().mapToInt(Got::lost).sum(), tokens / took,
                (PROCESS.getProcessCpuTime() - cpu) / 1e6 / tokens, first);
    }

    private static Got one(Comer comer, int number, long end) throws IOException, InterruptedException {
        int lost = 0;
        long tokens = 0;
        long[] first = new long[16];
        int count = 0;
        try (Asking asking = comer.come()) {
            while (System.nanoTime() < end) {
                try {
                    // The beginnings of tales, of which no two are the same.
                    String prompt = "Once upon a time there was king number " + number + ", who in year " + count + " said";
                    Asking.Answered answered = asking.ask(prompt, TOKENS);
                    tokens += answered.tokens();
                    first = count == first.length ? Arrays.copyOf(first, 2 * count) : first;
                    first[count++] = answered.firstNanos();
                } catch (IOException | ExecutionException _) {
                    return new Got(lost + 1, tokens, Arrays.copyOf(first, count));
                }
            }
        }
        return new Got(lost, tokens, Arrays.copyOf(first, count));
    }

    /** How long that part of them waited at most, in milliseconds. */
    double firstMillis(double part) {
        return firstNanos.length == 0 ? 0 : firstNanos[(int) Math.min(firstNanos.length - 1, part * firstNanos.length)] / 1e6;
    }
}
