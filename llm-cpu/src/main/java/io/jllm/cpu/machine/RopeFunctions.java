package io.jllm.cpu.machine;

import io.jllm.cpu.layout.attention.RopeShape;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Constant;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.machine.code.RopeCode;
import io.jllm.cpu.os.CodeCalls;
import io.jllm.cpu.os.SystemCalls;
import java.lang.foreign.MemorySegment;

/**
 * Rotation of heads of one shape in machine code. Thread-safe; all addresses are of memory outside the heap, and nothing is checked. A
 * dimension x[i] becomes x[i] * cos[i] + x[j] * sin[i], where j is the other one of its pair.
 */
public final class RopeFunctions {
    private final MemorySegment rotate;
    private final MemorySegment store;

    RopeFunctions(Isa isa, SystemCalls system, RopeShape shape) {
        var a = new Assembler();
        RopeCode.writeRotate(a, isa, shape);
        a.align(MachineCode.CALL_ALIGNMENT);
        int storeAt = a.size();
        RopeCode.writeStore(a, isa, shape);
        MemorySegment code = system.executable(a.code());
        rotate = code;
        store = code.asSlice(storeAt);
    }

    /** Rotates heads that lie one after the other, at least one; not in place. */
    public void rotate(long in, long out, long cos, long sin, int heads) {
        CodeCalls.call(rotate, in, out, cos, sin, heads, Constant.TABLE.address());
    }

    /**
     * Rotates keys and stores them, and values too, where all are floats.
     *
     * @param keysTo where the first dimension of the first head's key goes; the next ones go as many floats on as a page has positions
     * @param valuesTo where the first head's value goes
     * @param stride bytes from head to head in pages
     * @param scratch memory for a head
     */
    public void store(long keys, long values, long cos, long sin, int heads, long keysTo, long valuesTo, long stride, long scratch) {
        CodeCalls.call(store, keys, values, cos, sin, heads, Constant.TABLE.address(), keysTo, valuesTo, stride, scratch);
    }
}
