package io.jllm.cpu.machine.asm;

/** General-purpose registers of 64 bits; the ordinal is the number in the encoding. */
public enum Gpr implements Operand {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15;

    @Override
    public int number() {
        return ordinal();
    }
}
