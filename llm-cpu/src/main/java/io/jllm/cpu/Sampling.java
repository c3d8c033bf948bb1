package io.jllm.cpu;

import io.jllm.cpu.kernels.Rows;
import io.jllm.sampling.SamplerChain;
import io.jllm.spi.RowSampling;
import java.lang.foreign.MemorySegment;

/** Draws tokens from rows of logits, rows spread over the team, with a sampler and a copy of a row for each thread. */
final class Sampling {
    private final int vocab;
    private final ThreadTeam team;
    private final SamplerChain[] chains;
    private final float[][] copies;
    private final ThreadTeam.Task drawTask = this::draw;
    private final ThreadTeam.Task topTask = this::top;
    private Rows logits;
    private RowSampling[] sampled = {};
    private int[] rows = {};
    private int k;
    private int[] ids = {};
    private float[] logprobs = {};

    Sampling(int vocab, ThreadTeam team, Rows logits) {
        this.vocab = vocab;
        this.team = team;
        this.logits = logits;
        chains = new SamplerChain[team.size()];
        copies = new float[team.size()][];
        for (int i = 0; i < chains.length; i++) {
            chains[i] = new SamplerChain(vocab);
            copies[i] = new float[vocab];
        }
    }

    /** The rows moved. */
    void logits(Rows logits) {
        this.logits = logits;
    }

    void sample(RowSampling[] rows, int count, int[] tokens, float[] logprobs) {
        this.sampled = rows;
        this.ids = tokens;
        this.logprobs = logprobs;
        team.run(count, drawTask);
    }

    void topK(int[] rows, int k, int[] ids, float[] logprobs) {
        this.rows = rows;
        this.k = k;
        this.ids = ids;
        this.logprobs = logprobs;
        team.run(rows.length, topTask);
    }

    private void draw(int row, int member) {
        RowSampling s = sampled[row];
        if (s != null) {
            ids[row] = chains[member].sample(copy(row, member), s.settings(), s.tokens(), s.promptLength(), s.length(), logprobs, row);
        }
    }

    private void top(int index, int member) {
        chains[member].topK(copy(rows[index], member), k, ids, logprobs, index * k);
    }

    private float[] copy(int row, int member) {
        MemorySegment.copy(logits.data(), Rows.FLOAT, logits.row(row), copies[member], 0, vocab);
        return copies[member];
    }

    /** Bytes of the copies. */
    long bytes() {
        return (long) copies.length * vocab * Float.BYTES;
    }
}
