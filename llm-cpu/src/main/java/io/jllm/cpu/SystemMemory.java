package io.jllm.cpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/** How much memory this process may still take, container limits included. */
final class SystemMemory {
    private static final long UNLIMITED = 1L << 60; // cgroup v1 writes a number near 2^63 for "no limit"

    private SystemMemory() {
    }

    /** Bytes that are free or can be freed by dropping caches; outside Linux an estimate from the heap's default size. */
    static long available() {
        return available(Path.of("/"));
    }

    /** The same below another root; for tests. */
    static long available(Path root) {
        OptionalLong free = memAvailable(root.resolve("proc/meminfo"));
        if (free.isEmpty()) {
            // The default heap is a quarter of the machine or container.
            return Runtime.getRuntime().maxMemory() / 2 * 3;
        }
        Path v2 = root.resolve("sys/fs/cgroup");
        Path v1 = v2.resolve("memory");
        long limit = Math.min(left(v2.resolve("memory.max"), v2.resolve("memory.current"), v2.resolve("memory.stat")),
                left(v1.resolve("memory.limit_in_bytes"), v1.resolve("memory.usage_in_bytes"), v1.resolve("memory.stat")));
        return Math.min(free.getAsLong(), limit);
    }

    private static OptionalLong memAvailable(Path meminfo) {
        for (String line : lines(meminfo)) {
            if (line.startsWith("MemAvailable:")) {
                return number(line.replaceAll("[^0-9]", "")).stream().map(kib -> kib * 1024).findFirst();
            }
        }
        return OptionalLong.empty();
    }

    /** What a group's limit leaves: its file cache does not count as used, for it makes room. */
    private static long left(Path limit, Path used, Path stat) {
        OptionalLong max = lines(limit).stream().findFirst().map(SystemMemory::number).orElse(OptionalLong.empty());
        if (max.isEmpty() || max.getAsLong() >= UNLIMITED) {
            return Long.MAX_VALUE;
        }
        long now = lines(used).stream().findFirst().map(SystemMemory::number).orElse(OptionalLong.empty()).orElse(0);
        long cache = 0;
        for (String line : lines(stat)) {
            if (line.startsWith("inactive_file ")) {
                cache = number(line.substring(line.indexOf(' ') + 1)).orElse(0);
            }
        }
        return Math.max(0, max.getAsLong() - Math.max(0, now - cache));
    }

    private static List<String> lines(Path file) {
        try {
            return Files.isReadable(file) ? Files.readAllLines(file) : List.of();
        } catch (IOException _) {
            return List.of();
        }
    }

    private static OptionalLong number(String digits) {
        try {
            return OptionalLong.of(Long.parseLong(digits.strip()));
        } catch (NumberFormatException _) {
            return OptionalLong.empty(); // "max": no limit
        }
    }
}
