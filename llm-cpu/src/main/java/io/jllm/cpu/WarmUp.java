package io.jllm.cpu;

import io.jllm.cpu.kernels.AttentionTiles;
import io.jllm.cpu.kernels.SequenceIndex;
import io.jllm.cpu.op.CompiledOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.sampling.LogitBias;
import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.Stream;

/**
 * What is computed before the first request, so that it finds compiled code: one token and some of a prompt, at the start of a text and
 * far into it. Every position is in KV block 0, and the numbers are of no use.
 */
final class WarmUp {
    /** Tokens of a prompt: a whole tile, one of four, and one more. */
    private static final int PROMPT = SequenceIndex.TILE + 5;
    /** A position with a whole chunk of others before it, whose sums must be merged with those of the next. */
    private static final int FAR = AttentionTiles.CHUNK + 40;
    /** Tokens to draw from: two pieces and some more. */
    static final int VOCAB = 5000;
    /** Tokens to draw: the likeliest, and by all the common stages. */
    static final List<RowSampling> DRAWS = List.of(new Draw(SamplerSettings.GREEDY),
            new Draw(new SamplerSettings(0.8f, 40, 0.95f, 0.05f, 1.1f, 0, 0, 1, LogitBias.NONE)));
    /** How often a step of each kind is shared by the threads, for the code that does so: some ten milliseconds of work. */
    static final int PASSES = 32;
    /** Steps of one kind, which take turns: two layers have so many products. */
    private static final int OF_A_KIND = 8;
    /** A kind is ready when it has not become this much faster for some rounds and a while, which is what a compilation may take. */
    private static final double IMPROVEMENT = 0.8;
    private static final int ROUNDS = 2 * OF_A_KIND;
    /** A while: as long as the first round, in which nothing is compiled, for as much as it takes there is to compile. */
    private static final long LEAST_WHILE_NANOS = 25_000_000;
    private static final long MOST_WHILE_NANOS = 800_000_000;

    private final long end;
    private final List<Kind> kinds = new ArrayList<>();

    /**
     * Begins.
     *
     * @param nanos when to stop at the latest
     */
    WarmUp(long nanos) {
        end = System.nanoTime() + nanos;
    }

    /** Something to do again and again, which is told how often it was done before. */
    void add(IntConsumer work) {
        kinds.add(new Kind(work));
    }

    /** Does all in turn, each until it gets no faster or there is no time left. */
    void run() {
        boolean again = true;
        while (again) {
            again = false;
            for (Kind k : kinds) {
                if (!over() && !k.ready()) {
                    k.round();
                    again = true;
                }
            }
        }
    }

    /** Whether there is no time left. */
    boolean over() {
        return System.nanoTime() - end >= 0;
    }

    /** How far a kind of work has got. */
    private static final class Kind {
        private final IntConsumer work;
        private long patience;
        private long best = Long.MAX_VALUE;
        private long improved;
        private int rounds;
        private int since;

        Kind(IntConsumer work) {
            this.work = work;
        }

        void round() {
            long began = System.nanoTime();
            work.accept(rounds++);
            long now = System.nanoTime();
            if (best == Long.MAX_VALUE) {
                patience = Math.clamp(now - began, LEAST_WHILE_NANOS, MOST_WHILE_NANOS);
            }
            since++;
            if (now - began < best * IMPROVEMENT) {
                best = now - began;
                improved = now;
                since = 0;
            }
        }

        boolean ready() {
            return since >= ROUNDS && System.nanoTime() - improved > patience;
        }
    }

    /** Steps to compute, the largest first. */
    static List<StepBatch> batches(Program program, RunnerOptions o) {
        int positions = positions(program);
        int tokens = Math.min(Math.min(PROMPT, positions), o.maxTokensPerStep());
        int far = (int) Math.min(Math.min(FAR, positions - 1), (long) o.maxBlocks() * o.blockSize() - 1);
        // One token is enough far into a text: as long as nothing is compiled, all that attention does takes long.
        return List.of(batch(tokens, 0, o), batch(1, 0, o), batch(1, far, o));
    }

    /** How many there are: as many as tables of learned positions have. */
    private static int positions(Program program) {
        return program.ops().stream().flatMap(op -> op instanceof Op.AddPositions p ? Stream.of(p.rows() - p.offset()) : Stream.empty())
                .min(Integer::compare).orElse(Integer.MAX_VALUE);
    }

    /** Those of them that have one token. */
    static List<StepBatch> single(List<StepBatch> batches) {
        return batches.stream().filter(b -> b.tokens == 1).toList();
    }

    /** The first steps of each kind, and the last: the layers between run the same code. */
    static Collection<List<CompiledOp>> kinds(List<CompiledOp> steps) {
        var kinds = new LinkedHashMap<Class<? extends CompiledOp>, List<CompiledOp>>();
        steps.forEach(s -> kinds.computeIfAbsent(s.getClass(), _ -> new ArrayList<>()).add(s));
        kinds.replaceAll((_, all) -> all.size() <= OF_A_KIND ? all
                : Stream.concat(all.subList(0, OF_A_KIND - 1).stream(), Stream.of(all.getLast())).toList());
        return kinds.values();
    }

    /** One sequence, of which so many tokens from a position on are computed. */
    private static StepBatch batch(int tokens, int position, RunnerOptions o) {
        var b = new StepBatch(tokens, 1, 1, Math.ceilDiv(position + tokens, o.blockSize()));
        for (int t = 0; t < tokens; t++) {
            b.positions[t] = position + t;
            b.kvSlots[t] = (position + t) % o.blockSize();
        }
        b.queryStart[1] = tokens;
        b.contextLength[0] = position + tokens;
        b.tokens = tokens;
        b.sequences = 1;
        b.logitRows = 1;
        return b;
    }

    /** A sequence of two tokens. */
    private record Draw(SamplerSettings settings) implements RowSampling {
        private static final int[] TOKENS = {0, 0};

        @Override
        public int slot() {
            return 0;
        }

        @Override
        public int[] tokens() {
            return TOKENS;
        }

        @Override
        public int promptLength() {
            return 1;
        }

        @Override
        public int length() {
            return TOKENS.length;
        }
    }
}
