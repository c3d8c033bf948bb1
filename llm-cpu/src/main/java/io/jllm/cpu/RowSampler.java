package io.jllm.cpu;

import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.op.RowSums;
import io.jllm.cpu.os.ThreadTeam;
import io.jllm.cpu.tier.KernelChoice;
import io.jllm.sampling.SamplerChain;
import io.jllm.spi.RowSampling;
import java.lang.foreign.MemorySegment;

/** Draws tokens from rows of logits: sums over whole rows are spread over the team by pieces, the rest by rows. */
final class RowSampler {
    /** Bytes a token of a sampler's scratch memory and of its copy of a row. */
    private static final long BYTES_A_TOKEN = 25;

    /** A sampler and a copy of a row, for one thread. */
    private record Sampler(SamplerChain chain, float[] row) {
        Sampler(int vocab) {
            this(new SamplerChain(vocab), new float[vocab]);
        }

        float[] read(Rows logits, int r) {
            MemorySegment.copy(logits.data(), Rows.FLOAT, logits.row(r), row, 0, row.length);
            return row;
        }
    }

    private final int vocab;
    private final ThreadTeam team;
    private final KernelChoice kernels;
    private final Workspace[] workspaces;
    private final RowSums sums;
    /** By member of the team; null until it first draws. */
    private final Sampler[] samplers;
    private final ThreadTeam.Task sumSampled = this::sumSampled;
    private final ThreadTeam.Task draw = this::draw;
    private final ThreadTeam.Task sumWanted = this::sumWanted;
    private final ThreadTeam.Task choose = this::choose;
    // What is asked for. Fields, so that a call makes no objects.
    private Rows logits;
    private RowSampling[] rows = {};
    private int[] wanted = {};
    private int k;
    private int[] ids = {};
    private float[] logprobs = {};

    /** For rows of that many logits; {@code workspaces} has one for each member. */
    RowSampler(int vocab, ThreadTeam team, KernelChoice kernels, Workspace[] workspaces) {
        this.vocab = vocab;
        this.team = team;
        this.kernels = kernels;
        this.workspaces = workspaces;
        sums = new RowSums(vocab, kernels.kernels().rows());
        samplers = new Sampler[team.size()];
    }

    /** As {@link io.jllm.spi.ModelRunner#sample}. */
    void sample(Rows from, RowSampling[] how, int count, int[] tokens, float[] tokenLogprobs) {
        logits = from;
        rows = how;
        ids = tokens;
        logprobs = tokenLogprobs;
        sums.reserve(count);
        team.run(count * sums.pieces(), sumSampled);
        team.run(count, draw);
    }

    private void sumSampled(int index, int member) {
        int r = index / sums.pieces();
        if (rows[r] != null) {
            sums.compute(logits, r, r, index % sums.pieces(), workspaces[member]);
        }
    }

    private void draw(int r, int member) {
        RowSampling s = rows[r];
        if (s == null) {
            return;
        }
        float highest = sums.highest(r);
        double logSum = sums.logSumExp(r, highest);
        if (s.allowed().length > 0) {
            drawAllowed(r, s, sampler(member), logSum);
            return;
        }
        if (s.settings().greedy() && Float.isFinite(highest)) {
            ids[r] = sums.first(logits, r, r, highest);
            logprobs[r] = (float) (highest - logSum);
            return;
        }
        Sampler sampler = sampler(member);
        ids[r] = sampler.chain.sample(sampler.read(logits, r), highest, logSum, s.settings(), s.tokens(), s.promptLength(), s.length(),
                logprobs, r);
    }

    /** Of some tokens; how likely the drawn one was is said of the whole row. */
    private void drawAllowed(int r, RowSampling s, Sampler sampler, double logSum) {
        float[] row = sampler.read(logits, r);
        long[] allowed = s.allowed();
        for (int id = 0; id < row.length; id++) {
            if ((allowed[id >> 6] >>> id & 1) == 0) {
                row[id] = Float.NEGATIVE_INFINITY;
            }
        }
        ids[r] = sampler.chain.pick(row, s.settings(), s.tokens(), s.promptLength(), s.length());
        logprobs[r] = (float) (row[ids[r]] - logSum);
    }

    /** One that draws from the first tokens alone: to warm up, for there is little code and many tokens. */
    RowSampler ofFirst(int count) {
        return new RowSampler(Math.min(vocab, count), team, kernels, workspaces);
    }

    /** Draws from the first row, in which it leaves numbers of its own. */
    void warmUp(Rows from) {
        float[] row = sampler(0).row;
        for (int id = 0; id < vocab; id++) {
            row[id] = id * 40503 % 1024 / 64f;
        }
        MemorySegment.copy(row, 0, from.data(), Rows.FLOAT, from.row(0), vocab);
        for (RowSampling draw : WarmUp.DRAWS) {
            sample(from, new RowSampling[] {draw}, 1, new int[1], new float[1]);
        }
    }

    /** As {@link io.jllm.spi.ModelRunner#topK}. */
    void topK(Rows from, int[] of, int count, int[] best, float[] bestLogprobs) {
        logits = from;
        wanted = of;
        k = count;
        ids = best;
        logprobs = bestLogprobs;
        sums.reserve(of.length);
        team.run(of.length * sums.pieces(), sumWanted);
        team.run(of.length, choose);
    }

    private void sumWanted(int index, int member) {
        int i = index / sums.pieces();
        sums.compute(logits, wanted[i], i, index % sums.pieces(), workspaces[member]);
    }

    private void choose(int i, int member) {
        float highest = sums.highest(i);
        Sampler sampler = sampler(member);
        sampler.chain.topK(sampler.read(logits, wanted[i]), highest, sums.logSumExp(i, highest), k, ids, logprobs, i * k);
    }

    private Sampler sampler(int member) {
        if (samplers[member] == null) {
            samplers[member] = new Sampler(vocab);
        }
        return samplers[member];
    }

    /** Bytes held. */
    long bytes() {
        long bytes = sums.bytes();
        for (Sampler s : samplers) {
            bytes += s == null ? 0 : vocab * BYTES_A_TOKEN;
        }
        return bytes;
    }
}
