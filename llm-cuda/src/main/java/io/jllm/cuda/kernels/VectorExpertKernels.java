package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.Stream;

/** Launches {@code product/experts.cu}: mixtures of one row or a few, whose experts each row reads for itself. */
final class VectorExpertKernels {
    /** Numbers of a row that a block keeps come in multiples of this. */
    private static final int ALIGNMENT = 16;

    private final Kernels kernels;
    private final Arena arena;

    /** Launches whose memory the arena owns. */
    VectorExpertKernels(Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.arena = arena;
    }

    /** A whole mixture. */
    RowsLaunch mixture(GroupKernels.Mixture m) {
        SumKernels sums = new SumKernels(kernels, arena);
        return new RowsLaunch.InTurn(Stream.concat(Stream.of(gated(m), sum(m)), m.norm().map(n -> sums.norm(m, n)).stream()).toList());
    }

    /** Shared memory for a row of floats that a block keeps. */
    private static int rowBytes(int cols) {
        return Math.ceilDiv(cols, ALIGNMENT) * ALIGNMENT * Float.BYTES;
    }

    private RowsLaunch gated(GroupKernels.Mixture m) {
        int[] shape = kernels.shape("experts", 6);
        int at = m.floats() ? 0 : 2;
        int kept = m.floats() ? rowBytes(m.gate().cols()) : 0;
        Launch.Builder b = kernels.launch(arena, "experts_gated_" + m.gate().format().suffix(), shape[at], kept)
                .pointer("gate", m.gate().address()).pointer("up", m.up().address());
        Launch launch = GroupKernels.route(ProductKernels.input(b, m.gate(), m.x()), m).pointer("gateBias", m.gateBias())
                .pointer("upBias", m.upBias()).pointer("y", m.floats() ? m.inner().floats() : 0).integer("ldy", m.inner().pitch())
                .pointer("yq", m.floats() ? 0 : m.inner().bytes()).pointer("ys", m.floats() ? 0 : m.inner().scales())
                .integer("N", m.gate().outputs()).integer("K", m.gate().cols()).integer("act", m.act()).build();
        int blocks = Math.ceilDiv(m.gate().outputs(), shape[at + 1]);
        return (stream, rows) -> launch.run(stream, blocks, m.slots(), rows);
    }

    private RowsLaunch sum(GroupKernels.Mixture m) {
        int[] shape = kernels.shape("experts", 6);
        Launch.Builder b = kernels.launch(arena, "experts_sum_" + m.down().format().suffix(), shape[4], m.slots() * shape[5] * Float.BYTES)
                .pointer("W", m.down().address());
        Launch.Builder routed = GroupKernels.route(ProductKernels.input(b, m.down(), m.inner()), m).integer("weighted", GroupKernels.weighted(m))
                .pointer("bias", m.bias());
        return new RowsLaunch.Across(GroupKernels.output(routed, m.residual(), m.y(), m.down().outputs()).integer("K", m.down().cols()).build(),
                Math.ceilDiv(m.down().outputs(), shape[5]));
    }
}
