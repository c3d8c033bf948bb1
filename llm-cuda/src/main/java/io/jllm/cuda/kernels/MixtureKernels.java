package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;

/** Launches {@code product/mixture.cu}: a whole mixture of experts of 16 bits by a few rows in one launch, but for the sum. */
public final class MixtureKernels {
    private static final String FAMILY = "mixture";
    /** Threads; bytes of shared memory; columns of a part; most parts, rows, pairs and experts. */
    private static final int NUMBERS = 7;
    /** Rows up to which reading the experts of each is faster, as measured on an H200. */
    private static final int VECTORS = 2;
    /** Rows of gate that are read together. */
    private static final int TOGETHER = 8;

    private final Kernels kernels;
    private final Arena arena;
    private final GroupKernels groups;

    /**
     * Launches whose memory the arena owns.
     *
     * @param groups for mixtures and rows that these kernels are not for
     */
    public MixtureKernels(Kernels kernels, Arena arena, GroupKernels groups) {
        this.kernels = kernels;
        this.arena = arena;
        this.groups = groups;
    }

    /**
     * Rows in one or two pieces of 16 bits, as {@code few_split.cu} leaves them.
     *
     * @param type of the numbers
     * @param address where they are
     * @param pitch numbers from row to row
     * @param piece numbers from the first pieces to the second ones, 0 if there are none
     * @param scales of rows
     */
    public record Split(DeviceFormat type, long address, int pitch, int piece, long scales) {
    }

    /** Where rows that a mixture meets are expected, if there is a kernel for it. */
    public Optional<Split> split(GroupKernels.Mixture m, GroupKernels.Room room) {
        return most(m) == 0 ? Optional.empty() : Optional.of(at(m, room));
    }

    private static Split at(GroupKernels.Mixture m, GroupKernels.Room room) {
        int pitch = GroupKernels.fewPitch(m.gate().cols());
        return new Split(m.gate().format(), room.operand(), pitch, GroupKernels.piece(pitch, 1, room.fewRows()), room.scales());
    }

    /** Most rows of a mixture that there is a kernel for; 0 if there is none. */
    private int most(GroupKernels.Mixture m) {
        if (!m.gate().format().bits16() || m.gate().format() != m.down().format() || m.gate().outputs() % TOGETHER != 0
                || kernels.find(name(m, 1)).isEmpty()) {
            return 0;
        }
        int[] shape = shape();
        return parts(m) > shape[3] || m.chosen().experts() > shape[6] || shape[1] > kernels.sharedMemory() ? 0
                : Math.min(shape[4], shape[5] / m.slots());
    }

    private int[] shape() {
        return kernels.shape(FAMILY, NUMBERS);
    }

    /** In how many parts the longer rows of its matrices come. */
    private int parts(GroupKernels.Mixture m) {
        return Math.ceilDiv(Math.max(m.gate().cols(), m.down().cols()), shape()[2]);
    }

    private static String name(GroupKernels.Mixture m, int parts) {
        return FAMILY + "_" + m.gate().format().suffix() + "_p" + parts;
    }

    /**
     * For few rows, by whatever kernels.
     *
     * @param ready whether rows are split where they are expected
     */
    public RowsLaunch few(GroupKernels.Mixture m, GroupKernels.Room room, boolean ready) {
        RowsLaunch others = groups.few(m, room);
        int most = most(m);
        if (most == 0) {
            return others;
        }
        RowsLaunch split = ready ? RowsLaunch.NONE : groups.split(m.gate(), m.x(), room, 1, room.fewRows());
        var whole = new RowsLaunch.InTurn(List.of(split, launch(m, room), new SumKernels(kernels, arena).sum(m, room)));
        return new RowsLaunch.UpTo(VECTORS, others, new RowsLaunch.UpTo(most, whole, others));
    }

    private RowsLaunch launch(GroupKernels.Mixture m, GroupKernels.Room room) {
        int[] shape = shape();
        Split x = at(m, room);
        Launch.Builder b = kernels.launchTogetherSoon(arena, name(m, parts(m)), shape[0], shape[1]).pointer("gate", m.gate().address())
                .pointer("up", m.up().address()).pointer("down", m.down().address()).pointer("x", x.address).integer("ldx", x.pitch)
                .integer("piece", x.piece).pointer("scale", x.scales);
        Launch launch = GroupKernels.route(b, m).integer("rows", 0).pointer("gateBias", m.gateBias()).pointer("upBias", m.upBias())
                .pointer("bias", m.bias()).pointer("inner", m.inner().floats()).pointer("y", room.results()).pointer("counts", room.done())
                .integer("N", m.gate().outputs()).integer("K", m.gate().cols()).integer("outputs", m.down().outputs()).integer("act", m.act())
                .build();
        return new RowsLaunch.Told(launch, kernels.multiprocessors());
    }

    /** How many whole numbers that are zero between launches a mixture needs for so many rows. */
    public static int counts(int experts, int slots, int rows) {
        int pairs = Math.multiplyExact(rows, slots);
        return 1 + Math.max(experts, Math.min(pairs, experts) + pairs / TOGETHER);
    }
}
