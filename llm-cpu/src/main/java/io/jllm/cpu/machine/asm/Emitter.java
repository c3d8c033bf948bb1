package io.jllm.cpu.machine.asm;

import static io.jllm.cpu.machine.asm.Gpr.RAX;
import static io.jllm.cpu.machine.asm.Gpr.RSP;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.*;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Writes what every instruction set can say, in the words that it has for it. */
public final class Emitter {
    /** Bytes at the stack pointer for constants that have no register. */
    public static final int CONSTANT_BYTES = 192;
    /** Registers for constants, where there are enough. */
    private static final int[] CONSTANTS = {31, 30, 23, 22, 21, 20};
    /** A or (B and C). */
    private static final int OR_AND = 0xf8;
    /** Lanes 2, 3, 0, 1 and 1, 0, 3, 2. */
    private static final int SWAP_HALVES = 0x4e;
    private static final int SWAP_PAIRS = 0xb1;
    private static final int MANTISSA_BITS = 23;
    /** Coefficients but for the highest, from there down. */
    private static final List<Constant> EXP = List.of(Constant.EXP_4, Constant.EXP_3, Constant.EXP_2, Constant.EXP_1, Constant.EXP_0);

    private final Assembler a;
    private final Isa isa;
    private final Map<Integer, Operand> constants = new HashMap<>();
    private Optional<Operand> table = Optional.empty();
    private int defined;

    public Emitter(Assembler a, Isa isa) {
        this.a = a;
        this.isa = isa;
    }

    public Assembler assembler() {
        return a;
    }

    public Isa isa() {
        return isa;
    }

    public boolean wide() {
        return isa == Isa.AVX512;
    }

    public Vec vec(int number) {
        return isa.vec(number);
    }

    /** Keeps 32 bits, in all lanes, for later. */
    public void define(int value) {
        a.mov(RAX, value);
        int next = defined++;
        if (wide()) {
            Vec to = vec(CONSTANTS[next]);
            a.emit(VPBROADCASTD_GPR, to, RAX);
            constants.put(value, to);
        } else {
            Mem to = at(RSP, next * isa.bytes());
            a.emit(VMOVD, Vec.xmm(0), RAX);
            a.emit(VPBROADCASTD, vec(0), Vec.xmm(0));
            a.emit(VMOVUPS_STORE, to, vec(0));
            constants.put(value, to);
        }
    }

    /** What was defined. */
    public Operand constant(int value) {
        return constants.get(value);
    }

    /** Keeps a table of 16 bytes for later. */
    public void defineTable(byte[] bytes) {
        ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int place = defined++;
        Mem memory = at(RSP, wide() ? 0 : place * isa.bytes());
        var moves = new Moves(a);
        for (int i = 0; i < (wide() ? 1 : 2) * bytes.length; i += Integer.BYTES) {
            a.mov(RAX, words.getInt(i % bytes.length));
            moves.storeInt(at(RSP, memory.displacement() + i), RAX);
        }
        if (wide()) {
            a.emit(VBROADCASTI32X4, vec(CONSTANTS[place]), memory);
            table = Optional.of(vec(CONSTANTS[place]));
        } else {
            table = Optional.of(memory);
        }
    }

    /**
     * Replaces bytes from 0 to 15 by what the table has there.
     *
     * @param register the first of so many
     * @param work a register for the table, where it is in none
     */
    public void lookUp(int register, int count, int work) {
        Operand where = table.orElseThrow();
        if (where instanceof Mem m) {
            load(work, m);
        }
        Vec from = where instanceof Vec v ? v : vec(work);
        for (int r = register; r < register + count; r++) {
            a.emit(VPSHUFB, vec(r), from, vec(r));
        }
    }

    public void zero(int register) {
        a.emit(VPXOR, vec(register), vec(register), vec(register));
    }

    public void load(int to, Mem from) {
        a.emit(VMOVUPS, vec(to), from);
    }

    /** Halves to floats. */
    public void halves(int to, Mem from) {
        a.emit(VCVTPH2PS, vec(to), from);
    }

    /** Bytes, without a sign, times 2 to a power, as halves to floats: through a register of half the width. */
    public void halvesOfBytes(int to, Mem from, int power) {
        Vec half = wide() ? Vec.ymm(to) : Vec.xmm(to);
        a.emit(VPMOVZXBW, half, from);
        a.emit(VPSLLW, half, half, power);
        a.emit(VCVTPH2PS, vec(to), half);
    }

    public void and(int to, int x, int constant) {
        a.emit(VPAND, vec(to), vec(x), constant(constant));
    }

    /** to |= x and constant; destroys x. */
    public void orAnd(int to, int x, int constant) {
        if (wide()) {
            a.emit(VPTERNLOGD, vec(to), vec(x), constant(constant), OR_AND);
        } else {
            and(x, x, constant);
            a.emit(VPOR, vec(to), vec(to), vec(x));
        }
    }

    /** Shifts 16-bit lanes to the left, or to the right by a negative number. */
    public void shift(int to, int from, int left) {
        a.emit(left < 0 ? VPSRLW : VPSLLW, vec(to), vec(from), Math.abs(left));
    }

    /** A number of 32 bits in memory, for all lanes: as an operand, where there is such a thing, or in a register. */
    public Operand each(Mem from, int register) {
        if (wide()) {
            return from.each();
        }
        a.emit(VBROADCASTSS, vec(register), from);
        return vec(register);
    }

    /** All lanes = a number in memory times 2 to a power, of which it is a multiple if that is negative. */
    public void broadcast(int to, Mem from, int power) {
        Simd shift = power < 0 ? VPSRAD : VPSLLD;
        if (power != 0 && wide()) {
            a.emit(shift, vec(to), from.each(), Math.abs(power));
            return;
        }
        a.emit(VPBROADCASTD, vec(to), from);
        if (power != 0) {
            a.emit(shift, vec(to), vec(to), Math.abs(power));
        }
    }

    /** All lanes = an integer in memory as a float. */
    public void broadcastFloat(int to, Mem from) {
        if (wide()) {
            a.emit(VCVTDQ2PS, vec(to), from.each());
        } else {
            broadcast(to, from, 0);
            toFloats(to);
        }
    }

    /** Integers to floats. */
    public void toFloats(int register) {
        a.emit(VCVTDQ2PS, vec(register), vec(register));
    }

    public void multiply(int to, int x, Operand y) {
        a.emit(VMULPS, vec(to), vec(x), y);
    }

    /** to += x y, rounded once. */
    public void multiplyAdd(int to, int x, Operand y) {
        a.emit(VFMADD231PS, vec(to), vec(x), y);
    }

    /** Combines the lanes of a register into its lane 0: halves, then halves of those. Destroys {@code work}; both are below 16. */
    public void fold(Simd op, int register, int work) {
        if (wide()) {
            a.emit(VEXTRACTI64X4, Vec.ymm(work), vec(register), 1);
            a.emit(op, Vec.ymm(register), Vec.ymm(register), Vec.ymm(work));
        }
        a.emit(VEXTRACTI128, Vec.xmm(work), Vec.ymm(register), 1);
        a.emit(op, Vec.xmm(register), Vec.xmm(register), Vec.xmm(work));
        for (int order : new int[] {SWAP_HALVES, SWAP_PAIRS}) {
            a.emit(VPSHUFD, Vec.xmm(work), Vec.xmm(register), order);
            a.emit(op, Vec.xmm(register), Vec.xmm(register), Vec.xmm(work));
        }
    }

    /**
     * {@code to} = exp({@code x}) to 2e-7 relative, from the largest argument down to where floats have all their bits, and below that
     * 0: powers of two and a polynomial. What is no number stays none.
     *
     * @param x destroyed, like {@code s} and {@code t}
     * @param table register with the address of {@link Constant#TABLE}
     */
    public void exp(int to, int x, int s, int t, Gpr table) {
        load(s, Constant.EXP_MIN.in(table));
        a.emit(VMAXPS, vec(x), vec(s), vec(x)); // if one is no number, the last is taken
        load(s, Constant.ROUND.in(table));
        multiplyAdd(s, x, Constant.LOG2_E.in(table));
        a.emit(VSUBPS, vec(t), vec(s), Constant.ROUND.in(table));
        multiplyAdd(x, t, Constant.LN2_HIGH.in(table));
        multiplyAdd(x, t, Constant.LN2_LOW.in(table));
        load(t, Constant.EXP_5.in(table));
        int sum = t;
        int next = to;
        for (Constant c : EXP) {
            load(next, c.in(table));
            multiplyAdd(next, sum, vec(x));
            int last = sum;
            sum = next;
            next = last;
        }
        // There were five of them, so the sum is in {@code to}.
        a.emit(VADDPS, vec(t), vec(x), Constant.ONE.in(table));
        multiply(x, x, vec(x));
        multiplyAdd(t, to, vec(x));
        a.emit(VPADDD, vec(s), vec(s), Constant.EXPONENT_BIAS.in(table));
        a.emit(VPSLLD, vec(s), vec(s), MANTISSA_BITS);
        multiply(to, t, vec(s));
    }
}
