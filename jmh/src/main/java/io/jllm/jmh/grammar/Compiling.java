package io.jllm.jmh.grammar;

import io.jllm.constraint.Constraint;
import io.jllm.jmh.Models;
import io.jllm.tokenizer.Tokenizer;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** A schema from its text to the mask of an answer's first token. What belongs to the tokenizer alone is there before. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 7, time = 1)
public class Compiling {
    /** {@code demo}, or the path of a Hugging Face folder. */
    @Param(Models.DEMO)
    private String tokenizer;

    /** One of those in {@code schemas.json}; {@code hundred} has 100 properties. */
    @Param({"person", "hundred", "order", "tree", "calls", "document"})
    private String schema;

    private Tokenizer tokens;
    private Schemas of;
    private long[] bits;

    /** Loads the tokenizer. */
    @Setup
    public void open() {
        tokens = Schemas.tokenizer(tokenizer);
        of = Schemas.named(schema);
        bits = new long[Math.ceilDiv(tokens.vocabSize(), Long.SIZE)];
        Constraint.json().start(tokens);
    }

    /** All of it. */
    @Benchmark
    public long[] compile() {
        of.compile().start(tokens).allowed(bits);
        return bits;
    }
}
