package io.jllm.jmh.results;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** What a figure has to be read with: which sources, which machine, which JVM. */
public final class Provenance {
    private Provenance() {
    }

    /** The commit of the checkout in which this runs, with {@code -dirty} behind it where files were changed since. */
    public static String commit() {
        try {
            Process git = new ProcessBuilder("git", "describe", "--always", "--dirty", "--exclude=*")
                    .redirectError(ProcessBuilder.Redirect.DISCARD).start();
            String out = new String(git.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
            return git.waitFor(10, TimeUnit.SECONDS) && git.exitValue() == 0 ? out : "unknown";
        } catch (IOException e) {
            return "unknown";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "unknown";
        }
    }

    /** Processors that this JVM may use, and their name. */
    public static String hardware() {
        String cpu = System.getProperty("os.arch");
        try {
            cpu = Files.readAllLines(Path.of("/proc/cpuinfo")).stream().filter(l -> l.startsWith("model name"))
                    .map(l -> l.substring(l.indexOf(':') + 1).strip()).findFirst().orElse(cpu);
        } catch (IOException e) {
            // only Linux says
        }
        return Runtime.getRuntime().availableProcessors() + " processors, " + cpu;
    }

    /** Vendor and version of this JVM. */
    public static String jdk() {
        return System.getProperty("java.vm.vendor") + " " + Runtime.version();
    }
}
