package io.jllm.cpu.machine.asm;

/** What an instruction may take in the place that can be a register or memory. */
public sealed interface Operand permits Gpr, Vec, Mem {
    /** The register's number, 0 to 31; memory has none and says 0. */
    int number();
}
