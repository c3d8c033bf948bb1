package io.jllm.cpu.machine;

import io.jllm.cpu.kernels.PackedKernels;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.KvLayout;
import io.jllm.cpu.layout.Layout;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.os.LargeMemory;
import io.jllm.cpu.os.MachineCodeException;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Products of weights, rearranged at load, in machine code: of block-quantised ones by activations of 8 bits, of floats by floats.
 * Thread-safe.
 *
 * <p><b>The order of summation</b>: for a row and a token, block-quantised weights are taken in blocks of 32 columns, in order. Within
 * one, sums of products of integers are exact; what becomes of them is said at {@link io.jllm.cpu.layout.BlockModel}, which computes the same to the
 * last bit. Floats are taken one after the other, each multiplied and added with one rounding. It depends on neither neighbours, threads nor
 * the instruction set, so results do not either.
 */
public final class MachineKernels implements PackedKernels {
    /** Weights that are used for all tokens of a step before the next ones are touched: a part of a second-level cache. */
    private static final long PANEL_BYTES = 256 << 10;
    /** Groups that are computed together where rows wait for themselves. */
    private static final int LEAST_PANEL = 2;

    private final MachineCode code;
    /** Formats that were asked for: their products if these passed the self-test. */
    private final Map<DType, Optional<MachineCode.Product>> products = new ConcurrentHashMap<>();

    /** Attention that was asked for, if it passed the self-test. */
    private final Map<KvLayout, Optional<MachineAttention>> attention = new ConcurrentHashMap<>();

    private final Map<RopeShape, Optional<RopeFunctions>> rope = new ConcurrentHashMap<>();
    private final Map<Isa, Optional<RowFunctions>> rows = new ConcurrentHashMap<>();

    private MachineKernels(MachineCode code) {
        this.code = code;
    }

    /** The kernels of an instruction set that run here, or why there are none. */
    private record Found(Optional<MachineKernels> kernels, String reason) {
        private static final Map<Isa, MachineKernels> KNOWN = new ConcurrentHashMap<>();

        /**
         * Writes code once, and for no instruction set that nobody asks for. What cannot run is asked again: the system may only have been short of
         * memory.
         */
        static Found of(Isa isa) {
            try {
                return new Found(Optional.of(KNOWN.computeIfAbsent(isa, i -> new MachineKernels(MachineCode.of(i)))), "");
            } catch (MachineCodeException e) {
                return new Found(Optional.empty(), e.getMessage());
            }
        }
    }

    /** The kernels for an instruction set; empty if they cannot run here. */
    public static Optional<MachineKernels> of(Isa isa) {
        return Found.of(isa).kernels();
    }

    /** The best ones that run here. */
    public static Optional<MachineKernels> best() {
        for (Isa isa : Isa.values()) {
            if (of(isa).isPresent()) {
                return of(isa);
            }
        }
        return Optional.empty();
    }

    /** Why there are none for an instruction set; empty if there are. */
    public static String whyNot(Isa isa) {
        return Found.of(isa).reason();
    }

    @Override
    public String name() {
        return code.isa().name().toLowerCase(Locale.ROOT);
    }

    /**
     * {@inheritDoc} The first time that a format is asked for, its code is written and tested, which takes some milliseconds; one that
     * fails is left to others, and a warning says so.
     */
    @Override
    public boolean packs(DType type) {
        return product(type).isPresent();
    }

    private Optional<MachineCode.Product> product(DType type) {
        Optional<MachineCode.Product> known = products.get(type);
        return known != null ? known : products.computeIfAbsent(type, t -> Layout.of(t).flatMap(this::make));
    }

    private Optional<MachineCode.Product> make(Layout layout) {
        return tested(layout.type().name(), () -> {
            MachineCode.Product product = code.product(layout.format());
            MachineSelfTest.run(this, product, layout.type());
            return product;
        });
    }

    /** Attention over keys and values that lie so. The first time, it is written and tested; if it fails, a warning says so. */
    public Optional<MachineAttention> attention(KvLayout layout) {
        Optional<MachineAttention> known = attention.get(layout);
        return known != null ? known : attention.computeIfAbsent(layout, l -> tested("attention over " + l.type(), () -> {
            var made = new MachineAttention(l, code);
            AttentionSelfTest.run(made, l);
            return made;
        }));
    }

    /** Rotation of heads of a shape; as above. */
    public Optional<RopeFunctions> rope(RopeShape shape) {
        return rope.computeIfAbsent(shape, s -> tested("rotation", () -> {
            RopeFunctions made = code.rope(s);
            RowSelfTest.run(made, s);
            return made;
        }));
    }

    /** What is done with rows of floats; as above. */
    public Optional<RowFunctions> rows() {
        return rows.computeIfAbsent(code.isa(), _ -> tested("norms and activations", () -> {
            RowFunctions made = code.rows();
            RowSelfTest.run(made);
            return made;
        }));
    }

    private <T> Optional<T> tested(String what, Supplier<T> make) {
        try {
            return Optional.of(make.get());
        } catch (MachineCodeException e) {
            System.getLogger(MachineKernels.class.getPackageName()).log(System.Logger.Level.WARNING,
                    "Leaving {0} to slower kernels than {1}: {2}", what, name(), e.getMessage());
            return Optional.empty();
        }
    }

    @Override
    public List<DType> types() {
        return Layout.types();
    }

    @Override
    public TokenFormat tokens(DType type) {
        return PackedMatrix.format(type).tokens();
    }

    @Override
    public void pack(PackedMatrix matrix, Tensor stored, int from, int to) {
        pack(product(matrix.type()).orElseThrow(), matrix, stored, from, to);
    }

    /** The same with code that may not be tested yet: whole groups of whole units, if it is only a matter of places. */
    void pack(MachineCode.Product product, PackedMatrix matrix, Tensor stored, int from, int to) {
        boolean whole = stored.cols() % (matrix.format().unitBlocks() * TokenFormat.BLOCK) == 0;
        int end = code.packs(product) && whole ? Math.clamp(matrix.rows() / PackedMatrix.ROWS, from, to) : from;
        long units = matrix.blocks() / matrix.format().unitBlocks();
        for (int g = from; g < end; g++) {
            code.pack(product, stored.data().address() + (long) g * PackedMatrix.ROWS * stored.rowBytes(),
                    matrix.data().address() + g * matrix.groupBytes(), stored.rowBytes(), units);
        }
        matrix.pack(stored, end, to);
    }

    @Override
    public LargeMemory memory() {
        return code.memory();
    }

    @Override
    public void arrange(Rows x, int token, int tokens, BlockRows to, Workspace ws) {
        arrange(x, token, tokens, to);
    }

    /** Which takes no scratch memory. */
    void arrange(Rows x, int token, int tokens, BlockRows to) {
        int count = BlockRows.size(token, tokens);
        switch (to.format()) {
            case BYTES -> quantize(x, token, count, to);
            case FLOATS -> to.copy(x, token, count);
            case PAIRS, NUMBERS -> throw new IllegalArgumentException("machine code takes no " + to.format());
        }
    }

    private void quantize(Rows x, int token, int count, BlockRows to) {
        int blocks = to.cols() / TokenFormat.BLOCK;
        long group = to.address(token);
        for (int t = 0; t < count; t++) {
            code.quantize(x.data().address() + x.row(token + t), group + (long) t * TokenFormat.BLOCK,
                    group + (long) count * TokenFormat.BLOCK + (long) t * Float.BYTES, blocks, (long) count * to.format().blockBytes(),
                    (long) count * Float.BYTES);
        }
    }

    @Override
    public void linear(PackedMatrix w, int from, int to, BlockRows x, int tokens, Target out, Workspace ws) {
        linear(product(w.type()).orElseThrow(), w, from, to, x, tokens, out);
    }

    /** The same with code that may not be tested yet. */
    void linear(MachineCode.Product product, PackedMatrix w, int from, int to, BlockRows x, int tokens, Target out) {
        int panel = (int) Math.max(LEAST_PANEL, PANEL_BYTES / w.groupBytes()) * PackedMatrix.ROWS;
        for (int r = from; r < to; r += panel) {
            int end = Math.min(to, r + panel);
            int whole = r + (end - r) / PackedMatrix.ROWS * PackedMatrix.ROWS;
            for (int t = 0; t < tokens; t += BlockRows.GROUP) {
                int count = BlockRows.size(t, tokens);
                if (whole > r) {
                    multiply(product, w, r, (whole - r) / PackedMatrix.ROWS, PackedMatrix.ROWS, x, t, count, out);
                }
                if (whole < end) {
                    multiply(product, w, whole, 1, end - whole, x, t, count, out);
                }
            }
        }
    }

    private void multiply(MachineCode.Product product, PackedMatrix w, int row, int groups, int rows, BlockRows x, int token, int count,
                          Target out) {
        long at = (long) (out.column() + row) * Float.BYTES;
        Rows to = out.rows();
        code.multiply(product, count, w.data().address() + row / PackedMatrix.ROWS * w.groupBytes(), x.address(token),
                to.data().address() + to.row(token) + at, w.blocks(), groups, (long) to.width() * Float.BYTES,
                out.residual().isPresent() ? out.residual().get().data().address() + out.residual().get().row(token) + at : 0,
                w.bias().byteSize() == 0 ? 0 : w.bias().address() + (long) row * Float.BYTES, rows, w.groupBytes());
    }
}
