package io.jllm.cpu.machine;

import io.jllm.cpu.layout.Numbers;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.layout.attention.AttentionShape;
import io.jllm.cpu.layout.attention.RopeShape;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Constant;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.machine.code.AttentionCode;
import io.jllm.cpu.machine.code.DecodeCode;
import io.jllm.cpu.machine.code.MergeCode;
import io.jllm.cpu.machine.code.PackCode;
import io.jllm.cpu.machine.code.ProductCode;
import io.jllm.cpu.machine.code.QuantizeCode;
import io.jllm.cpu.os.CodeCalls;
import io.jllm.cpu.os.LargeMemory;
import io.jllm.cpu.os.MachineCodeException;
import io.jllm.cpu.os.Processor;
import io.jllm.cpu.os.SystemCalls;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Kernels in the processor's own code, written into memory (some tens of KiB for each format of weights that is asked for), which is given
 * back when nothing holds them any more. Thread-safe. All addresses are of memory outside the heap, and whoever calls sees to it that it is there:
 * nothing is checked.
 *
 * <p>The JVM warns, once, when it was not started with {@code --enable-native-access}, and runs the code nevertheless, unless
 * it was told to deny that.
 */
public final class MachineCode {
    static final int CALL_ALIGNMENT = 64;

    /** Products of one format, for each number of tokens, and how stored weights come to lie so. */
    public static final class Product {
        private final MemorySegment[] functions = new MemorySegment[TokenFormat.GROUP + 1];
        private Optional<MemorySegment> pack = Optional.empty();

        private Product() {
        }
    }

    /** Attention of one shape. */
    public static final class Attention {
        private final MemorySegment chunk;
        private final MemorySegment merge;
        private final MemorySegment finish;

        private Attention(MemorySegment chunk, MemorySegment merge, MemorySegment finish) {
            this.chunk = chunk;
            this.merge = merge;
            this.finish = finish;
        }

        /** Fills the fields of a frame that are the code's own. */
        public void prepare(long[] frame) {
            frame[AttentionShape.CONSTANTS] = Constant.TABLE.address();
        }

        /** Computes the sums over some positions, of all rows. */
        public void chunk(long frame) {
            CodeCalls.call(chunk, frame);
        }

        /** Adds the sums over some positions to those over all before them. */
        public void merge(long frame) {
            CodeCalls.call(merge, frame);
        }

        /** Makes results of sums and stores them. */
        public void finish(long frame) {
            CodeCalls.call(finish, frame);
        }
    }

    private final Isa isa;
    private final SystemCalls system;
    private final MemorySegment quantize;
    private final Map<WeightFormat, Product> products = new HashMap<>();

    private MachineCode(Isa isa, SystemCalls system) {
        this.isa = isa;
        this.system = system;
        var a = new Assembler();
        QuantizeCode.write(a, isa);
        quantize = system.executable(a.code());
    }

    /**
     * Writes kernels.
     *
     * @throws MachineCodeException if this system or processor cannot run them, or the JVM or the system refuses to
     */
    public static MachineCode of(Isa isa) {
        List<String> lacking = Processor.lacks(isa.features());
        if (!lacking.isEmpty()) {
            throw new MachineCodeException("the processor lacks " + String.join(", ", lacking));
        }
        try {
            return new MachineCode(isa, new SystemCalls());
        } catch (IllegalCallerException e) {
            throw new MachineCodeException("the JVM denies native access: start Java with --enable-native-access="
                    + (MachineCode.class.getModule().isNamed() ? MachineCode.class.getModule().getName() : "ALL-UNNAMED"));
        }
    }

    /** The instructions in use. */
    public Isa isa() {
        return isa;
    }

    /**
     * Products of weights of a format, written when first asked for.
     *
     * @throws MachineCodeException if the system refuses
     */
    public Product product(WeightFormat format) {
        synchronized (products) {
            return products.computeIfAbsent(format, this::write);
        }
    }

    private Product write(WeightFormat format) {
        var a = new Assembler();
        var at = new int[TokenFormat.GROUP + 1];
        for (int t = 1; t <= TokenFormat.GROUP; t++) {
            a.align(CALL_ALIGNMENT);
            at[t] = a.size();
            ProductCode.write(a, isa, format, t);
        }
        a.align(CALL_ALIGNMENT);
        int pack = a.size();
        if (PackCode.covers(format)) {
            PackCode.write(a, format);
        }
        MemorySegment code = system.executable(a.code());
        var product = new Product();
        for (int t = 1; t <= TokenFormat.GROUP; t++) {
            product.functions[t] = code.asSlice(at[t]);
        }
        if (PackCode.covers(format)) {
            product.pack = Optional.of(code.asSlice(pack));
        }
        return product;
    }

    /**
     * Attention of a shape, written now.
     *
     * @throws MachineCodeException if the system refuses
     */
    public Attention attention(AttentionShape shape) {
        var a = new Assembler();
        AttentionCode.writeChunk(a, isa, shape);
        a.align(CALL_ALIGNMENT);
        int merge = a.size();
        MergeCode.writeMerge(a, isa, shape);
        a.align(CALL_ALIGNMENT);
        int finish = a.size();
        MergeCode.writeFinish(a, isa, shape);
        MemorySegment code = system.executable(a.code());
        return new Attention(code, code.asSlice(merge), code.asSlice(finish));
    }

    /**
     * Kernels for rows of floats, written now.
     *
     * @throws MachineCodeException if the system refuses
     */
    public RowFunctions rows() {
        return new RowFunctions(isa, system);
    }

    /**
     * Kernels for matrices of low rank, written now.
     *
     * @throws MachineCodeException if the system refuses
     */
    ThinFunctions thin() {
        return new ThinFunctions(isa, system);
    }

    /**
     * Rotation of a shape, written now.
     *
     * @throws MachineCodeException if the system refuses
     */
    public RopeFunctions rope(RopeShape shape) {
        return new RopeFunctions(isa, system, shape);
    }

    /**
     * Turns a row of floats into blocks of bytes with a scale: d = max |x| / 127, q = x * (127 / max |x|), rounded to the
     * nearest, ties to even. See {@link TokenFormat#BYTES}.
     *
     * @param quants receives 32 bytes a block
     * @param fields receives the rest of a block, {@code field} bytes behind each other
     * @param blocks blocks of 32 floats, at least 1
     * @param stride bytes from block to block in what is written
     */
    public void quantize(long in, long quants, long fields, long blocks, long stride, long field) {
        CodeCalls.call(quantize, in, quants, fields, blocks, stride, field);
    }

    /**
     * Multiplies groups of 16 rows of weights by some tokens, block after block; then bias and residual are added.
     *
     * @param count tokens, 1 to {@link TokenFormat#GROUP}
     * @param weights a group as {@link WeightFormat} says
     * @param tokens a group as {@link TokenFormat} says
     * @param out receives 16 floats for the first group and token; the next group 64 bytes on, the next token {@code stride}
     * @param blocks blocks a row, at least 1, and whole units where a stored block is one
     * @param groups groups, at least 1
     * @param residual laid out as {@code out}, may be the same; 0 for none
     * @param bias a float for each row; 0 for none
     * @param rows how many of the 16 rows of every group there are, 1 to 16; others are neither read nor written
     * @param groupBytes bytes from group to group
     */
    public void multiply(Product product, int count, long weights, long tokens, long out, long blocks, long groups, long stride, long residual,
                         long bias, int rows, long groupBytes) {
        long mask = isa == Isa.AVX512 ? (1 << rows) - 1 : Constant.ones(rows);
        CodeCalls.call(product.functions[count], weights, tokens, out, blocks, groups, stride, residual, bias, mask, groupBytes);
    }

    /** Whether {@link #pack} takes weights of this format. */
    public boolean packs(Product product) {
        return product.pack.isPresent();
    }

    /**
     * Rearranges whole units of 16 stored rows.
     *
     * @param stored the first row
     * @param group receives them, as {@link WeightFormat} says
     * @param rowBytes from one stored row to the next
     * @param units of each row, at least 1
     */
    public void pack(Product product, long stored, long group, long rowBytes, long units) {
        CodeCalls.call(product.pack.orElseThrow(), stored, group, rowBytes, units, 0L, 0L);
    }

    /**
     * A function that makes floats of integers with scales, written now, for {@link #decode}.
     *
     * @throws MachineCodeException if the system refuses
     */
    MemorySegment decoder(WeightFormat format, Numbers.Integers numbers) {
        var a = new Assembler();
        DecodeCode.write(a, isa, format, numbers);
        return system.executable(a.code());
    }

    /**
     * Makes floats of a group of 16 rows.
     *
     * @param to receives 16 floats for each column
     * @param blocks of a row, at least 1, and whole units where a stored block is one
     */
    void decode(MemorySegment function, long weights, long to, long blocks) {
        CodeCalls.call(function, weights, to, blocks, 0L, 0L, 0L);
    }

    /** Where weights go. */
    public LargeMemory memory() {
        return new LargeMemory(Optional.of(system));
    }
}
