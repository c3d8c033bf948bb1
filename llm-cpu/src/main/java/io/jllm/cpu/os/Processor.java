package io.jllm.cpu.os;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What the processor can do, as Linux reports it: what the kernel does not support is left out there. */
public final class Processor {
    private static final Path CPUINFO = Path.of("/proc/cpuinfo");
    static final String LINUX = "Linux on amd64";

    private Processor() {
    }

    /** Which of some features it lacks, by Linux's names; all of them where Linux does not say. */
    public static List<String> lacks(List<String> features) throws MachineCodeException {
        if (!onLinux()) {
            throw new MachineCodeException("there is machine code for " + LINUX + " only, this is " + system());
        }
        var lacking = new ArrayList<>(features);
        lacking.removeAll(flags());
        return lacking;
    }

    /** Whether this is the system that {@link SystemCalls} knows. */
    static boolean onLinux() {
        return system().equals(LINUX);
    }

    private static String system() {
        return System.getProperty("os.name", "") + " on " + System.getProperty("os.arch", "");
    }

    private static Set<String> flags() {
        if (!Files.isReadable(CPUINFO)) {
            return Set.of();
        }
        try (var lines = Files.lines(CPUINFO)) {
            return lines.filter(l -> l.startsWith("flags")).findFirst().map(l -> Set.of(l.substring(l.indexOf(':') + 1).strip().split("\\s+")))
                    .orElse(Set.of());
        } catch (IOException | java.io.UncheckedIOException _) {
            return Set.of();
        }
    }
}
