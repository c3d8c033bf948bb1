package io.jllm.examples.cli.output;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalDouble;

/** Physical memory of this process, in MiB; only Linux says. */
public final class ResidentMemory {
    private static final Path STATUS = Path.of("/proc/self/status");

    private ResidentMemory() {
    }

    /** Most that it has held so far, mapped files included. */
    public static OptionalDouble peakMib() {
        return status("VmHWM:");
    }

    /** What it holds now that is no file: the Java heap and native memory. */
    public static OptionalDouble anonymousMib() {
        return status("RssAnon:");
    }

    private static OptionalDouble status(String key) {
        if (!Files.isReadable(STATUS)) {
            return OptionalDouble.empty();
        }
        try {
            return Files.readAllLines(STATUS).stream().filter(line -> line.startsWith(key))
                    .mapToDouble(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024.0).findFirst();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
