package io.jllm.cpu.machine;

import io.jllm.cpu.layout.Numbers.Floats;
import io.jllm.cpu.layout.ThinColumns;
import io.jllm.cpu.layout.ThinRows;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.machine.code.ThinCode;
import io.jllm.cpu.os.CodeCalls;
import io.jllm.cpu.os.SystemCalls;
import java.lang.foreign.MemorySegment;

/** Products by matrices of low rank. Thread-safe; all addresses are of memory outside the heap, and nothing is checked. */
public final class ThinFunctions {
    private final int tokens;
    /** By kind of numbers, then by how many tokens. */
    private final MemorySegment[][] down;
    private final MemorySegment[] up;

    ThinFunctions(Isa isa, SystemCalls system) {
        tokens = ThinCode.tokens(isa);
        int kinds = Floats.values().length;
        var a = new Assembler();
        var downAt = new int[kinds][tokens];
        var upAt = new int[kinds];
        for (Floats f : Floats.values()) {
            for (int t = 1; t <= tokens; t++) {
                a.align(MachineCode.CALL_ALIGNMENT);
                downAt[f.ordinal()][t - 1] = a.size();
                ThinCode.writeDown(a, isa, f, t);
            }
            a.align(MachineCode.CALL_ALIGNMENT);
            upAt[f.ordinal()] = a.size();
            ThinCode.writeUp(a, isa, f);
        }
        MemorySegment code = system.executable(a.code());
        down = new MemorySegment[kinds][tokens];
        up = new MemorySegment[kinds];
        for (int f = 0; f < kinds; f++) {
            for (int t = 0; t < tokens; t++) {
                down[f][t] = code.asSlice(downAt[f][t]);
            }
            up[f] = code.asSlice(upAt[f]);
        }
    }

    /** Most tokens of {@link #down}. */
    int tokens() {
        return tokens;
    }

    /**
     * out[r] = factor * (w x)[r] for whole groups of rows, for one token or more.
     *
     * @param w with whole runs of columns
     * @param xBytes from token to token of {@code x}
     * @param outBytes from token to token of {@code out}
     */
    void down(ThinRows w, int count, long x, long xBytes, float factor, long out, long outBytes) {
        CodeCalls.call(down[w.numbers().ordinal()][count - 1], w.data().address(), x, out, ThinRows.whole(w.rows()) / ThinRows.GROUP,
                w.cols() / ThinRows.RUN, xBytes, Float.floatToRawIntBits(factor), outBytes, 0, 0);
    }

    /**
     * out[r] += (w thin)[r] for whole groups of rows, at least one.
     *
     * @param soon whose same rows are read next
     */
    void up(ThinColumns w, int from, int to, long thin, long out, ThinColumns soon) {
        int groups = (to - from) / ThinColumns.GROUP;
        CodeCalls.call(up[w.numbers().ordinal()], w.data().address() + w.group(from / ThinColumns.GROUP), thin, out, groups / ThinCode.UP_GROUPS,
                w.lines(), w.group(1), groups % ThinCode.UP_GROUPS, soon.data().address() + soon.group(from / ThinColumns.GROUP), 0, 0);
    }
}
