package io.jllm.cpu.os;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/** How much memory this process may still take, container limits included. */
public final class SystemMemory {
    private static final long UNLIMITED = 1L << 60; // cgroup v1 writes a number near 2^63 for "no limit"

    private SystemMemory() {
    }

    /** Bytes that are free or can be freed by dropping caches; outside Linux an estimate from the heap's default size. */
    public static long available() {
        return available(Path.of("/"));
    }

    /** The same below another root; for tests. */
    public static long available(Path root) {
        OptionalLong free = memAvailable(root.resolve("proc/meminfo"));
        if (free.isEmpty()) {
            // The default heap is a quarter of the machine or container.
            return Runtime.getRuntime().maxMemory() / 2 * 3;
        }
        Path mount = root.resolve("sys/fs/cgroup");
        long limit = free.getAsLong();
        for (String line : lines(root.resolve("proc/self/cgroup"))) { // number:controllers:path
            String[] parts = line.split(":", 3);
            if (parts.length == 3 && parts[1].isEmpty()) {
                limit = Math.min(limit, left(mount, parts[2], "memory.max", "memory.current"));
            } else if (parts.length == 3 && List.of(parts[1].split(",")).contains("memory")) {
                limit = Math.min(limit, left(mount.resolve("memory"), parts[2], "memory.limit_in_bytes", "memory.usage_in_bytes"));
            }
        }
        return limit;
    }

    /** What the limits of a group and of those around it leave. In a container, its group may be mounted as the outermost one. */
    private static long left(Path mount, String group, String limit, String used) {
        long left = Long.MAX_VALUE;
        Path top = Path.of("/");
        for (Path p = mount.resolve(top.relativize(top.resolve(group).normalize())); p.startsWith(mount); p = p.getParent()) {
            left = Math.min(left, left(p.resolve(limit), p.resolve(used), p.resolve("memory.stat")));
        }
        return left;
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
