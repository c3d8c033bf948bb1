package io.jllm.cpu.machine;

import static io.jllm.cpu.machine.Gpr.RAX;
import static io.jllm.cpu.machine.Gpr.RSP;
import static io.jllm.cpu.machine.Mem.at;
import static io.jllm.cpu.machine.Simd.*;

import java.util.HashMap;
import java.util.Map;

/** Writes what every instruction set can say, in the words that it has for it. */
final class Emitter {
    /** Bytes at the stack pointer for constants that have no register. */
    static final int CONSTANT_BYTES = 192;
    /** Registers for constants, where there are enough. */
    private static final int[] CONSTANTS = {31, 30, 23, 22, 21, 20};
    /** A or (B and C). */
    private static final int OR_AND = 0xf8;

    private final Assembler a;
    private final Isa isa;
    private final Map<Integer, Operand> constants = new HashMap<>();

    Emitter(Assembler a, Isa isa) {
        this.a = a;
        this.isa = isa;
    }

    Assembler assembler() {
        return a;
    }

    Isa isa() {
        return isa;
    }

    boolean wide() {
        return isa == Isa.AVX512;
    }

    Vec vec(int number) {
        return isa.vec(number);
    }

    /** Keeps 32 bits, in all lanes, for later. */
    void define(int value) {
        a.mov(RAX, value);
        if (wide()) {
            Vec to = vec(CONSTANTS[constants.size()]);
            a.emit(VPBROADCASTD_GPR, to, RAX);
            constants.put(value, to);
        } else {
            Mem to = at(RSP, constants.size() * isa.bytes());
            a.emit(VMOVD, Vec.xmm(0), RAX);
            a.emit(VPBROADCASTD, vec(0), Vec.xmm(0));
            a.emit(VMOVUPS_STORE, to, vec(0));
            constants.put(value, to);
        }
    }

    /** What was defined. */
    Operand constant(int value) {
        return constants.get(value);
    }

    void zero(int register) {
        a.emit(VPXOR, vec(register), vec(register), vec(register));
    }

    void load(int to, Mem from) {
        a.emit(VMOVUPS, vec(to), from);
    }

    /** Halves to floats. */
    void halves(int to, Mem from) {
        a.emit(VCVTPH2PS, vec(to), from);
    }

    void and(int to, int x, int constant) {
        a.emit(VPAND, vec(to), vec(x), constant(constant));
    }

    /** to |= x and constant; destroys x. */
    void orAnd(int to, int x, int constant) {
        if (wide()) {
            a.emit(VPTERNLOGD, vec(to), vec(x), constant(constant), OR_AND);
        } else {
            and(x, x, constant);
            a.emit(VPOR, vec(to), vec(to), vec(x));
        }
    }

    /** Shifts 16-bit lanes to the left, or to the right by a negative number. */
    void shift(int to, int from, int left) {
        a.emit(left < 0 ? VPSRLW : VPSLLW, vec(to), vec(from), Math.abs(left));
    }

    /** A number of 32 bits in memory, for all lanes: as an operand, where there is such a thing, or in a register. */
    Operand each(Mem from, int register) {
        if (wide()) {
            return from.each();
        }
        a.emit(VBROADCASTSS, vec(register), from);
        return vec(register);
    }

    /** All lanes = a number in memory times 2 to a power. */
    void broadcast(int to, Mem from, int power) {
        if (power != 0 && wide()) {
            a.emit(VPSLLD, vec(to), from.each(), power);
            return;
        }
        a.emit(VPBROADCASTD, vec(to), from);
        if (power != 0) {
            a.emit(VPSLLD, vec(to), vec(to), power);
        }
    }

    /** Integers to floats. */
    void toFloats(int register) {
        a.emit(VCVTDQ2PS, vec(register), vec(register));
    }

    void multiply(int to, int x, Operand y) {
        a.emit(VMULPS, vec(to), vec(x), y);
    }

    /** to += x y, rounded once. */
    void multiplyAdd(int to, int x, Operand y) {
        a.emit(VFMADD231PS, vec(to), vec(x), y);
    }
}
