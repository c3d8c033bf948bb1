package io.jllm.cpu.kernels;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;

/** What the operating system says about the processor, as far as it is cheap to ask (Linux); estimates elsewhere. */
public final class CpuInfo {
    private static final Path CPUINFO = Path.of("/proc/cpuinfo");
    private static final Path CPUS = Path.of("/sys/devices/system/cpu");

    private CpuInfo() {
    }

    /** Its name, or the architecture if it has none. */
    public static String model() {
        return field("model name").orElse(System.getProperty("os.arch", "unknown processor"));
    }

    /** Cores that this process may use, without the second thread of a core. At least 1. */
    public static int physicalCores() {
        int usable = Runtime.getRuntime().availableProcessors();
        var cores = new HashSet<String>();
        try (DirectoryStream<Path> cpus = Files.newDirectoryStream(CPUS, "cpu[0-9]*")) {
            for (Path cpu : cpus) {
                Path siblings = cpu.resolve("topology/thread_siblings_list"); // missing where the processor is offline
                if (Files.isReadable(siblings)) {
                    cores.add(Files.readString(siblings).strip());
                }
            }
        } catch (IOException _) {
            return usable; // no such folder: not Linux, or hidden by a container
        }
        return cores.isEmpty() ? usable : Math.min(usable, cores.size());
    }

    /** Whether it is known to have no fused multiply-add, without which {@code Math.fma} takes a microsecond. */
    static boolean lacksFma() {
        return field("flags").filter(flags -> (" " + flags + " ").contains(" sse2 ") && !(" " + flags + " ").contains(" fma ")).isPresent();
    }

    private static Optional<String> field(String name) {
        if (!Files.isReadable(CPUINFO)) {
            return Optional.empty();
        }
        try (var lines = Files.lines(CPUINFO)) {
            return lines.filter(l -> l.startsWith(name) && l.contains(":")).findFirst()
                    .map(l -> l.substring(l.indexOf(':') + 1).strip());
        } catch (IOException | UncheckedIOException _) {
            return Optional.empty();
        }
    }
}
