package io.jllm.jmh.grammar;

import io.jllm.constraint.Constraint;
import io.jllm.constraint.TokenMask;
import io.jllm.jmh.Models;
import io.jllm.tokenizer.Tokenizer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The mask of the next token, one by one along the answers of all schemas, and then from the first again. */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 3)
@Measurement(iterations = 5, time = 3)
public class TokenMasks {
    /** {@code demo}, or the path of a Hugging Face folder. */
    @Param(Models.DEMO)
    private String tokenizer;

    /** Whether answers that were gone along before are gone along again with what is remembered of them; else schemas are compiled anew. */
    @Param({"false", "true"})
    private boolean remembered;

    private Tokenizer tokens;
    private List<Schemas> schemas;
    private List<Constraint> constraints;
    private int[][][] ids;
    private long[] bits;
    private int schema;
    private int answer;
    private int token;
    private TokenMask mask;

    /** Encodes the answers and goes along them once. */
    @Setup
    public void open() {
        tokens = Schemas.tokenizer(tokenizer);
        bits = new long[Math.ceilDiv(tokens.vocabSize(), Long.SIZE)];
        schemas = Schemas.all();
        ids = schemas.stream().map(s -> s.answers().stream().map(a -> tokens.encode(a, false, false)).toArray(int[][]::new)).toArray(int[][][]::new);
        restart();
        do {
            mask.allowed(bits);
            next();
        } while (schema > 0 || answer > 0 || token > 0);
    }

    private void restart() {
        constraints = schemas.stream().map(Schemas::compile).toList();
        mask = constraints.getFirst().start(tokens);
    }

    /** Goes on by a token of the answer, which the mask must have allowed. */
    @Setup(Level.Invocation)
    public void next() {
        int[] of = ids[schema][answer];
        mask = mask.after(of[token++]);
        if (token < of.length) {
            return;
        }
        if (!mask.mayEnd()) {
            throw new IllegalStateException("an answer to " + schemas.get(schema).name() + " is not accepted");
        }
        token = 0;
        if (++answer == ids[schema].length) {
            answer = 0;
            schema = (schema + 1) % ids.length;
            if (schema == 0 && !remembered) {
                restart();
            }
        }
        mask = constraints.get(schema).start(tokens);
    }

    /** The mask. */
    @Benchmark
    public long[] mask() {
        mask.allowed(bits);
        return bits;
    }
}
