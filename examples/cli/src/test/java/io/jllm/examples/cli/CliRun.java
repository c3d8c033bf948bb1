package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.output.Output;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.StreamSupport;

/**
 * One run of the command line inside the test's JVM.
 *
 * @param code the exit code
 * @param out standard output
 * @param err standard error
 */
record CliRun(int code, String out, String err) {
    static CliRun of(String... args) {
        return typing("", args);
    }

    /** With those lines typed. */
    static CliRun typing(String lines, String... args) {
        var in = new ByteArrayInputStream(lines.getBytes(StandardCharsets.UTF_8));
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        var console = new Console(new Output(out), new PrintStream(err, true, StandardCharsets.UTF_8), in, false, () -> false);
        int code = Cli.run(args, console);
        return new CliRun(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** Standard output of a run that must go well. */
    static String good(String... args) {
        CliRun run = of(args);
        assertEquals(0, run.code, run.err);
        return run.out;
    }

    /** Its one line of JSON. */
    static JsonObject json(String... args) {
        String out = good(args);
        assertTrue(out.endsWith("\n") && out.indexOf('\n') == out.length() - 1, out);
        return JsonParser.parseString(out).getAsJsonObject();
    }

    /** The one line on standard error of a run that must fail with that code and print nothing. */
    static String bad(int code, String... args) {
        CliRun run = of(args);
        assertEquals(code, run.code, run.err);
        assertEquals("", run.out);
        List<String> lines = run.err.lines().toList();
        assertEquals(1, lines.size(), run.err);
        return lines.getFirst();
    }

    static int[] ints(JsonElement array) {
        return StreamSupport.stream(array.getAsJsonArray().spliterator(), false).mapToInt(JsonElement::getAsInt).toArray();
    }

    static double[] doubles(JsonElement array) {
        return StreamSupport.stream(array.getAsJsonArray().spliterator(), false).mapToDouble(JsonElement::getAsDouble).toArray();
    }
}
