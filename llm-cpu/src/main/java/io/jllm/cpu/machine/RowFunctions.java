package io.jllm.cpu.machine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Constant;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.machine.code.RowCode;
import io.jllm.cpu.os.CodeCalls;
import io.jllm.cpu.os.SystemCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What {@link MachineCode} does with rows of floats. Thread-safe; all addresses are of memory outside the heap, and nothing is checked. */
public final class RowFunctions {
    /** Where {@link #sums} writes the sum, in bytes. */
    public static final int SUM_AT = RowCode.SUM_AT;
    /** Where it writes the largest magnitude. */
    public static final int MAGNITUDE_AT = RowCode.MAGNITUDE_AT;

    private final Isa isa;
    private final MemorySegment norm;
    private final MemorySegment silu;
    private final MemorySegment gelu;
    private final MemorySegment sums;

    RowFunctions(Isa isa, SystemCalls system) {
        this.isa = isa;
        var a = new Assembler();
        RowCode.writeNorm(a, isa);
        a.align(MachineCode.CALL_ALIGNMENT);
        int siluAt = a.size();
        RowCode.writeGated(a, isa, false);
        a.align(MachineCode.CALL_ALIGNMENT);
        int geluAt = a.size();
        RowCode.writeGated(a, isa, true);
        a.align(MachineCode.CALL_ALIGNMENT);
        int sumsAt = a.size();
        RowCode.writeSums(a, isa);
        MemorySegment code = system.executable(a.code());
        norm = code;
        silu = code.asSlice(siluAt);
        gelu = code.asSlice(geluAt);
        sums = code.asSlice(sumsAt);
    }

    /** What is left over of groups of 16. */
    private long rest(int n) {
        int rest = n % RowCode.LANES;
        return rest == 0 ? 0 : isa == Isa.AVX512 ? (1L << rest) - 1 : Constant.ones(rest);
    }

    /** Weights as {@link #norm} takes them. */
    public static MemorySegment normWeight(Arena arena, float[] weight, float eps) {
        MemorySegment copy = arena.allocate(RowCode.NORM_HEADER + (long) weight.length * Float.BYTES, WeightFormat.VECTOR);
        copy.set(JAVA_FLOAT, 0, weight.length);
        copy.set(JAVA_FLOAT, Float.BYTES, eps);
        MemorySegment.copy(weight, 0, copy, JAVA_FLOAT, RowCode.NORM_HEADER, weight.length);
        return copy;
    }

    /** out = in / sqrt(mean(in^2) + eps) * weight, over {@code n} floats; in place too. */
    public void norm(long in, long out, MemorySegment weight, int n) {
        CodeCalls.call(norm, in, out, weight.address(), n / RowCode.LANES, rest(n), Constant.TABLE.address());
    }

    /** out = silu(gate) * up, over {@code n} floats. */
    public void silu(long gate, long up, long out, int n) {
        CodeCalls.call(silu, gate, up, out, n / RowCode.LANES, rest(n), Constant.TABLE.address());
    }

    /** The same with GELU, by its approximation with tanh. */
    public void gelu(long gate, long up, long out, int n) {
        CodeCalls.call(gelu, gate, up, out, n / RowCode.LANES, rest(n), Constant.TABLE.address());
    }

    /**
     * Writes three floats: the largest of {@code n} that are numbers, then the sum of exp(x - largest), then, as an integer, the bits of the
     * largest magnitude, which are above those of infinity if one is no number.
     */
    public void sums(long in, long out, int n) {
        CodeCalls.call(sums, in, out, n / RowCode.LANES, rest(n), Constant.TABLE.address(), 0);
    }
}
