package io.jllm.jmh.compare;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;

/** A program that runs to its end. */
final class Child {
    private static final long POLL_MILLIS = 20;
    private static final int SHOWN_CHARACTERS = 1500;

    /**
     * What came of it.
     *
     * @param out standard output
     * @param millis how long it ran
     * @param peakMib most physical memory that the process held, in MiB; only Linux says
     */
    record Outcome(String out, double millis, OptionalDouble peakMib) {
    }

    private Child() {
    }

    /**
     * Runs a program, and ends it where it runs too long or this thread is interrupted.
     *
     * @param environment what is set beside what this process has
     * @throws IOException if it cannot be started, fails or takes longer than that; the message has the end of what it said
     */
    static Outcome run(List<String> command, Map<String, String> environment, Duration limit) throws IOException, InterruptedException {
        Path out = Files.createTempFile("compare", ".out");
        Path err = Files.createTempFile("compare", ".err");
        try {
            var builder = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
            builder.environment().putAll(environment);
            long start = System.nanoTime();
            Process process = builder.start();
            process.getOutputStream().close();
            OptionalDouble peak;
            long end;
            try {
                peak = await(process, limit);
                end = System.nanoTime();
            } finally {
                process.descendants().forEach(ProcessHandle::destroy);
                process.destroy();
            }
            if (peak.isPresent() && peak.getAsDouble() < 0) {
                throw new IOException(command.getFirst() + " was ended: it took longer than " + limit.toMinutes() + " minutes; raise --limit");
            }
            if (process.exitValue() != 0) {
                throw new IOException(String.join(" ", command) + " failed with exit code " + process.exitValue() + ":\n" + end(err));
            }
            return new Outcome(Files.readString(out), (end - start) / 1e6, peak);
        } finally {
            Files.deleteIfExists(out);
            Files.deleteIfExists(err);
        }
    }

    /** Waits for the end; gives the peak, or a negative number if the time is over. */
    private static OptionalDouble await(Process process, Duration limit) throws InterruptedException {
        long end = System.nanoTime() + limit.toNanos();
        OptionalDouble peak = OptionalDouble.empty();
        while (!process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
            OptionalDouble now = peakMib(process.pid());
            peak = now.isPresent() ? now : peak;
            if (System.nanoTime() > end) {
                return OptionalDouble.of(-1);
            }
        }
        return peak;
    }

    private static OptionalDouble peakMib(long pid) {
        try (var lines = Files.lines(Path.of("/proc/" + pid + "/status"), StandardCharsets.ISO_8859_1)) {
            return lines.filter(line -> line.startsWith("VmHWM:")).mapToDouble(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024.0)
                    .findFirst();
        } catch (IOException | java.io.UncheckedIOException e) {
            return OptionalDouble.empty(); // no Linux, or it has just ended
        }
    }

    private static String end(Path file) throws IOException {
        String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8).strip();
        return text.substring(Math.max(0, text.length() - SHOWN_CHARACTERS));
    }
}
