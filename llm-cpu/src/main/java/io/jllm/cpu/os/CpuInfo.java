package io.jllm.cpu.os;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/** What the operating system says about the processor, as far as it is cheap to ask (Linux); estimates elsewhere. */
public final class CpuInfo {
    private static final Path CPUINFO = Path.of("/proc/cpuinfo");

    private CpuInfo() {
    }

    /** Its name, or the architecture if it has none. */
    public static String model() {
        return field(CPUINFO, "model name").orElse(System.getProperty("os.arch", "unknown processor"));
    }

    /**
     * Cores that this process may use, without the second thread of a core: those of its affinity mask, and no more than the processors
     * that a container's quota lets the JVM count. At least 1.
     */
    public static int physicalCores() {
        return physicalCores(Path.of("/"), Runtime.getRuntime().availableProcessors());
    }

    /** The same below another root, for so many processors that may be used; for tests. */
    static int physicalCores(Path root, int usable) {
        Optional<BitSet> allowed = allowed(root);
        var cores = new HashSet<String>();
        try (DirectoryStream<Path> cpus = Files.newDirectoryStream(root.resolve("sys/devices/system/cpu"), "cpu[0-9]*")) {
            for (Path cpu : cpus) {
                int number = Integer.parseInt(cpu.getFileName().toString().substring("cpu".length()));
                Path siblings = cpu.resolve("topology/thread_siblings_list"); // missing where the processor is offline
                if (Files.isReadable(siblings) && allowed.map(a -> a.get(number)).orElse(true)) {
                    cores.add(Files.readString(siblings).strip());
                }
            }
        } catch (IOException | NumberFormatException _) {
            return usable; // no such folder: not Linux, or hidden by a container
        }
        return cores.isEmpty() ? usable : Math.min(usable, cores.size());
    }

    /**
     * The processors that this process may use, by the node of memory that they are near to (NUMA); those of one node, or nothing, where
     * all memory is near, or the system does not say.
     */
    public static List<BitSet> memoryNodes() {
        return memoryNodes(Path.of("/"));
    }

    /** The same below another root, for tests. */
    static List<BitSet> memoryNodes(Path root) {
        Optional<BitSet> allowed = allowed(root);
        var nodes = new TreeMap<Integer, BitSet>();
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(root.resolve("sys/devices/system/node"), "node[0-9]*")) {
            for (Path folder : folders) {
                BitSet processors = cpus(Files.readString(folder.resolve("cpulist")).strip()).orElseGet(BitSet::new); // some have none
                allowed.ifPresent(processors::and);
                if (!processors.isEmpty()) {
                    nodes.put(Integer.valueOf(folder.getFileName().toString().substring("node".length())), processors);
                }
            }
        } catch (IOException | NumberFormatException _) {
            return List.of();
        }
        return List.copyOf(nodes.values());
    }

    private static Optional<BitSet> allowed(Path root) {
        return field(root.resolve("proc/self/status"), "Cpus_allowed_list").flatMap(CpuInfo::cpus);
    }

    /** A list such as {@code 0-3,8}; empty if it is none. */
    private static Optional<BitSet> cpus(String list) {
        var set = new BitSet();
        for (String part : list.split(",")) {
            String[] ends = part.strip().split("-");
            try {
                int first = Integer.parseInt(ends[0]);
                set.set(first, Integer.parseInt(ends[ends.length - 1]) + 1);
            } catch (NumberFormatException | IndexOutOfBoundsException _) {
                return Optional.empty();
            }
        }
        return Optional.of(set);
    }

    /** Whether it is known to have no fused multiply-add, without which {@code Math.fma} takes a microsecond. */
    public static boolean lacksFma() {
        return has("sse2") && !has("fma");
    }

    /** Whether it is known to permute the bytes of 512 bits by one instruction (AVX-512 VBMI). */
    public static boolean permutesBytes() {
        return has("avx512vbmi");
    }

    private static boolean has(String flag) {
        return field(CPUINFO, "flags").filter(flags -> (" " + flags + " ").contains(" " + flag + " ")).isPresent();
    }

    private static Optional<String> field(Path file, String name) {
        if (!Files.isReadable(file)) {
            return Optional.empty();
        }
        try (var lines = Files.lines(file)) {
            return lines.filter(l -> l.startsWith(name) && l.contains(":")).findFirst()
                    .map(l -> l.substring(l.indexOf(':') + 1).strip());
        } catch (IOException | UncheckedIOException _) {
            return Optional.empty();
        }
    }
}
