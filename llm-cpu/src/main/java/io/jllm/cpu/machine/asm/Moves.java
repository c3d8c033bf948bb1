package io.jllm.cpu.machine.asm;

/** Moves of 16 and 32 bits through general registers. */
public final class Moves {
    private final CodeBuffer code;

    /** Writes where an assembler does. */
    public Moves(Assembler a) {
        code = a.buffer();
    }

    /** 32 bits; the upper half becomes 0. */
    public void loadInt(Gpr to, Mem from) {
        code.rex(0, to.number(), from);
        code.put(0x8b);
        code.operands(to.number(), from, 1);
    }

    public void storeInt(Mem to, Gpr from) {
        code.rex(0, from.number(), to);
        code.put(0x89);
        code.operands(from.number(), to, 1);
    }

    /** 16 bits; what lies above becomes 0. */
    public void loadHalf(Gpr to, Mem from) {
        code.rex(0, to.number(), from);
        code.put(0x0f);
        code.put(0xb7);
        code.operands(to.number(), from, 1);
    }

    public void storeHalf(Mem to, Gpr from) {
        code.put(0x66);
        storeInt(to, from);
    }

    /** Flips bits of eax, for a constant that 8 bits do not hold; the upper half of rax becomes 0. */
    public void xorEax(int constant) {
        code.put(0x35);
        code.putInt(constant);
    }
}
