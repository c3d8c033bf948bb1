package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Launches the sums of {@code rows/group.cu}: what experts make of rows is added up, and with it what comes of that may be normed. */
public final class SumKernels {
    private static final String SUM = "group_sum";
    private static final String NORMED = "group_sum_normed";
    /** The most shared memory for a row, in bytes. */
    private static final int MOST_BYTES = 32 << 10;
    private static final int QUADS = 4;
    /** Rows up to which rows in pieces are the same for all, which then are twice as many and so on. */
    private static final int LEAST_ROWS = 8;

    private final Kernels kernels;
    private final Arena arena;

    /** Launches whose memory the arena owns. */
    public SumKernels(Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.arena = arena;
    }

    /**
     * A norm by the root mean square.
     *
     * @param by its weights
     * @param y normed rows, as floats, bytes or both
     * @param pieces where rows go in pieces of 16 bits, too: of up to 8, 16, 32 rows and so on, the last of any number; empty if nowhere
     */
    public record Norm(ProductKernels.Norm by, Rows y, List<MixtureKernels.Split> pieces) {
    }

    /** Whether there is room for the norm of rows of that width. */
    public static boolean norms(int width) {
        return bytes(width) <= MOST_BYTES;
    }

    private static int bytes(int width) {
        return Math.ceilDiv(width, QUADS) * QUADS * Float.BYTES;
    }

    /** The sum of a mixture, whose results are in the room, and the norm behind it, if there is one. */
    RowsLaunch sum(GroupKernels.Mixture m, GroupKernels.Room room) {
        if (m.norm().isPresent()) {
            SumKernels.Norm n = m.norm().get();
            return each(n.pieces, to -> normed(m, room.results(), m.residual(), m.y(), n, to));
        }
        int threads = kernels.shape(SUM, 1)[0];
        Launch.Builder b = added(kernels.launch(arena, SUM, threads), m, room.results());
        return new RowsLaunch.Across(GroupKernels.output(b, m.residual(), m.y(), m.down().outputs()).build(),
                Math.ceilDiv(m.down().outputs(), QUADS * threads));
    }

    /** The norm behind a mixture alone, whose sum is there. */
    RowsLaunch norm(GroupKernels.Mixture m, Norm n) {
        return each(n.pieces, to -> normed(m, 0, m.y(), Rows.NONE, n, to));
    }

    private static RowsLaunch each(List<MixtureKernels.Split> pieces, Function<Optional<MixtureKernels.Split>, RowsLaunch> launch) {
        RowsLaunch all = launch.apply(pieces.isEmpty() ? Optional.empty() : Optional.of(pieces.getLast()));
        for (int i = pieces.size() - 2; i >= 0; i--) {
            if (!pieces.get(i).equals(pieces.get(i + 1))) {
                all = new RowsLaunch.UpTo(LEAST_ROWS << i, launch.apply(Optional.of(pieces.get(i))), all);
            }
        }
        return all;
    }

    private static Launch.Builder added(Launch.Builder b, GroupKernels.Mixture m, long results) {
        return b.pointer("z", results).pointer("route", m.chosen().route().floats()).integer("ldr", m.chosen().route().pitch())
                .integer("slots", m.slots()).integer("weighted", GroupKernels.weighted(m));
    }

    private RowsLaunch normed(GroupKernels.Mixture m, long results, Rows residual, Rows y, Norm n, Optional<MixtureKernels.Split> to) {
        int width = m.down().outputs();
        Launch.Builder b = added(kernels.launch(arena, NORMED, kernels.shape(NORMED, 1)[0], bytes(width)), m, results);
        GroupKernels.output(b, residual, y, width).pointer("norm", n.by.weight()).real("eps", n.by.eps()).pointer("normed", n.y.floats())
                .integer("ldn", n.y.pitch()).pointer("q", n.y.bytes()).pointer("s", n.y.scales());
        return new RowsLaunch.Down(ExpertKernels.split(b, to).build());
    }
}
