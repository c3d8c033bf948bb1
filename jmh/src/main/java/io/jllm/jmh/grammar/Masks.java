package io.jllm.jmh.grammar;

import com.google.gson.JsonObject;
import io.jllm.constraint.Constraint;
import io.jllm.constraint.TokenMask;
import io.jllm.jmh.results.Provenance;
import io.jllm.tokenizer.Tokenizer;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How long masks take, token after token along the answers to all schemas, and how long the schemas take from their text to the first mask. Times are
 * the thread's own, by the system's clock of threads, so that neighbours on the machine do not count; what that clock takes itself is in them.
 */
public final class Masks {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final String USAGE = "usage: masks TOKENIZER [ROUNDS]: demo, or a Hugging Face folder; rounds are measured after as many others";

    private final Tokenizer tokenizer;
    private final long[] bits;
    private final Times first = new Times();
    private final Times again = new Times();
    private final Map<String, Times> compiled = new LinkedHashMap<>();

    /** Nanoseconds, as many as come. */
    private static final class Times {
        private long[] all = new long[1024];
        private int count;

        void add(long nanos) {
            if (count == all.length) {
                all = Arrays.copyOf(all, 2 * count);
            }
            all[count++] = nanos;
        }

        /** The time that such a part of all is not above, in nanoseconds. */
        double percentile(double part) {
            long[] sorted = Arrays.copyOf(all, count);
            Arrays.sort(sorted);
            return sorted[(int) Math.min(count - 1, (long) (part * count))];
        }

        JsonObject micros() {
            var json = new JsonObject();
            json.addProperty("median", percentile(0.5) / 1e3);
            json.addProperty("p99", percentile(0.99) / 1e3);
            json.addProperty("p999", percentile(0.999) / 1e3);
            json.addProperty("most", percentile(1) / 1e3);
            return json;
        }
    }

    private Masks(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
        bits = new long[Math.ceilDiv(tokenizer.vocabSize(), Long.SIZE)];
    }

    /** Measures and prints a line of JSON; returns 0, or 2 for arguments that are none. */
    public static int run(String... arguments) {
        if (arguments.length < 1 || arguments.length > 2) {
            System.err.println(USAGE);
            return 2;
        }
        int rounds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 20;
        Tokenizer tokenizer = Schemas.tokenizer(arguments[0]);
        Constraint.json().start(tokenizer); // what belongs to the tokenizer alone
        var masks = new Masks(tokenizer);
        for (int i = 0; i < rounds; i++) {
            masks.round();
        }
        masks.clear();
        for (int i = 0; i < rounds; i++) {
            masks.round();
        }
        System.out.println(masks.line(arguments, rounds));
        return 0;
    }

    private void clear() {
        first.count = 0;
        again.count = 0;
        compiled.clear();
    }

    private void round() {
        for (Schemas s : Schemas.all()) {
            long began = THREADS.getCurrentThreadCpuTime();
            Constraint constraint = s.compile();
            constraint.start(tokenizer).allowed(bits);
            compiled.computeIfAbsent(s.name(), _ -> new Times()).add(THREADS.getCurrentThreadCpuTime() - began);
            List<int[]> answers = s.answers().stream().map(a -> tokenizer.encode(a, false, false)).toList();
            answers.forEach(a -> walk(constraint.start(tokenizer), a, first));
            answers.forEach(a -> walk(constraint.start(tokenizer), a, again));
        }
    }

    private void walk(TokenMask start, int[] answer, Times times) {
        TokenMask mask = start;
        for (int id : answer) {
            long began = THREADS.getCurrentThreadCpuTime();
            mask.allowed(bits);
            times.add(THREADS.getCurrentThreadCpuTime() - began);
            mask = mask.after(id); // refuses what is not allowed
        }
        if (!mask.mayEnd()) {
            throw new IllegalStateException("an answer is not accepted at its end");
        }
    }

    private JsonObject line(String[] arguments, int rounds) {
        var json = new JsonObject();
        json.addProperty("date", LocalDate.now(ZoneOffset.UTC).toString());
        json.addProperty("program", "jllm");
        json.addProperty("commit", Provenance.commit());
        json.addProperty("tokenizer", arguments[0]);
        json.addProperty("vocab", tokenizer.vocabSize());
        json.addProperty("rounds", rounds);
        json.add("first_us", first.micros());
        json.add("again_us", again.micros());
        var compiling = new JsonObject();
        compiled.forEach((name, times) -> compiling.addProperty(name, times.percentile(0.5) / 1e6));
        json.add("compile_ms", compiling);
        json.addProperty("hardware", Provenance.hardware());
        json.addProperty("jdk", Provenance.jdk());
        json.addProperty("command", "java -jar jmh/target/benchmarks.jar masks " + String.join(" ", arguments));
        return json;
    }
}
