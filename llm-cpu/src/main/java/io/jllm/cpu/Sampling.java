package io.jllm.cpu;

import io.jllm.cpu.kernels.Rows;
import io.jllm.sampling.SamplerChain;
import io.jllm.spi.RowSampling;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Draws tokens from rows of logits, rows spread over the team. */
final class Sampling {
    /** Bytes a token of a sampler's scratch memory and of its copy of a row. */
    private static final long BYTES_A_TOKEN = 25;

    /** A sampler and a copy of a row, for one thread. */
    private record Sampler(SamplerChain chain, float[] row) {
        Sampler(int vocab) {
            this(new SamplerChain(vocab), new float[vocab]);
        }

        void read(Rows logits, int r) {
            MemorySegment.copy(logits.data(), Rows.FLOAT, logits.row(r), row, 0, row.length);
        }
    }

    private final int vocab;
    private final ThreadTeam team;
    /** By member of the team; as many as there were rows at once, for few of many threads ever draw. */
    private final List<Sampler> samplers = new ArrayList<>();

    Sampling(int vocab, ThreadTeam team) {
        this.vocab = vocab;
        this.team = team;
    }

    /** As {@link io.jllm.spi.ModelRunner#sample}. */
    void sample(Rows logits, RowSampling[] rows, int count, int[] tokens, float[] logprobs) {
        provide(count);
        team.run(count, (r, member) -> {
            RowSampling s = rows[r];
            if (s != null) {
                Sampler sampler = samplers.get(member);
                sampler.read(logits, r);
                tokens[r] = sampler.chain.sample(sampler.row, s.settings(), s.tokens(), s.promptLength(), s.length(), logprobs, r);
            }
        });
    }

    /** As {@link io.jllm.spi.ModelRunner#topK}. */
    void topK(Rows logits, int[] rows, int k, int[] ids, float[] logprobs) {
        provide(rows.length);
        team.run(rows.length, (i, member) -> {
            Sampler sampler = samplers.get(member);
            sampler.read(logits, rows[i]);
            sampler.chain.topK(sampler.row, k, ids, logprobs, i * k);
        });
    }

    private void provide(int rows) {
        while (samplers.size() < Math.min(rows, team.size())) {
            samplers.add(new Sampler(vocab));
        }
    }

    /** Bytes held. */
    long bytes() {
        return samplers.size() * vocab * BYTES_A_TOKEN;
    }
}
