package io.jllm.house.snippet;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Runs other programs. */
final class Command {
    private Command() {
    }

    /** Whether a program of this name can be called. */
    static boolean exists(String name) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator)).anyMatch(folder -> Files.isExecutable(Path.of(folder, name)));
    }

    /** Runs one in a folder, with the JDK of this test; returns its standard output, or fails with all it says if it ends with another status. */
    static String run(int status, Path folder, Map<String, String> environment, List<String> command) throws IOException, InterruptedException {
        Path errors = folder.resolve("errors.txt");
        var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectError(errors.toFile());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes());
        assertEquals(status, process.waitFor(), output + Files.readString(errors));
        return output;
    }

    /** The same with the JVM of this test, and little memory. */
    static String java(int status, Path folder, Map<String, String> environment, String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-Xmx512m"));
        command.addAll(List.of(arguments));
        return run(status, folder, environment, command);
    }
}
