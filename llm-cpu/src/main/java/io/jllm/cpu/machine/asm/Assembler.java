package io.jllm.cpu.machine.asm;

/**
 * Writes x86-64 instructions into an array: those that the kernels need, no more. Where an instruction has several encodings
 * it takes the shortest that GNU as would, but for jumps forward, which have four bytes. Not thread-safe.
 */
public final class Assembler {
    /** Conditions of jumps; each holds its code. */
    public enum Condition {
        CARRY(2), NO_CARRY(3), ZERO(4), NOT_ZERO(5);

        private final int code;

        Condition(int code) {
            this.code = code;
        }
    }

    private final CodeBuffer code = new CodeBuffer();

    /** What was written. */
    public byte[] code() {
        return code.bytes();
    }

    /** Where it is written, for those who write further instructions. */
    CodeBuffer buffer() {
        return code;
    }

    /** Bytes so far. */
    public int size() {
        return code.size();
    }

    private void put(int b) {
        code.put(b);
    }

    private void putInt(int v) {
        code.putInt(v);
    }

    // Vector instructions

    /** Two operands: a load, a conversion, a store (memory first). */
    public void emit(Simd op, Operand to, Operand from) {
        switch (op.form()) {
            case RM -> vector(op, to.number(), 0, from, width(to, from), mask(to));
            case MR -> vector(op, from.number(), 0, to, width(from, to), mask(from));
            default -> throw misuse(op, "two operands");
        }
    }

    /** Three operands; of a masked store, memory first, then the mask. */
    public void emit(Simd op, Operand to, Vec a, Operand b) {
        switch (op.form()) {
            case RVM -> vector(op, to.number(), a.number(), b, a.bits(), mask(to));
            case MVR -> vector(op, b.number(), a.number(), to, a.bits(), 0);
            default -> throw misuse(op, "three operands");
        }
    }

    /** Two operands and a constant of 8 bits. */
    public void emit(Simd op, Operand to, Operand from, int constant) {
        switch (op.form()) {
            case VMI -> vector(op, op.extension(), to.number(), from, width(to, from), mask(to));
            case RMI -> vector(op, to.number(), 0, from, width(to, from), mask(to));
            case MRI -> vector(op, from.number(), 0, to, width(from, to), mask(from));
            default -> throw misuse(op, "two operands and a constant");
        }
        put(constant);
    }

    /** Three operands and a constant of 8 bits. */
    void emit(Simd op, Vec to, Vec a, Operand b, int constant) {
        if (op.form() != Simd.Form.RVMI) {
            throw misuse(op, "three operands and a constant");
        }
        vector(op, to.number(), a.number(), b, to.bits(), to.mask());
        put(constant);
    }

    private static int width(Operand register, Operand other) {
        return switch (register) {
            case Vec v -> v.bits();
            case Gpr _ -> ((Vec) other).bits();
            case Mem _ -> throw new IllegalArgumentException("one operand must be a register");
        };
    }

    private static int mask(Operand o) {
        return o instanceof Vec v ? v.mask() : 0;
    }

    private static IllegalArgumentException misuse(Simd op, String with) {
        return new IllegalArgumentException(op + " does not take " + with);
    }

    private void vector(Simd op, int reg, int v, Operand rm, int bits, int mask) {
        boolean broadcast = rm instanceof Mem m && m.broadcast();
        boolean evex = switch (op.prefix()) {
            case VEX -> false;
            case EVEX -> true;
            case BOTH -> reg > 15 || v > 15 || rm.number() > 15 || bits > 256 || mask != 0 || broadcast;
        };
        if (evex) {
            evex(op, reg, v, rm, bits, mask, broadcast);
        } else {
            vex(op, reg, v, rm, bits, mask, broadcast);
        }
        put(op.opcode());
        modRm(reg, rm, evex ? op.unit(bits, broadcast) : 1);
    }

    private void evex(Simd op, int reg, int v, Operand rm, int bits, int mask, boolean broadcast) {
        int x;
        int b;
        if (rm instanceof Mem m) {
            x = m.index().map(i -> i.number() >> 3).orElse(0);
            b = m.base().number() >> 3;
        } else {
            x = rm.number() >> 4;
            b = rm.number() >> 3;
        }
        put(0x62);
        put(not(reg >> 3) << 7 | not(x) << 6 | not(b) << 5 | not(reg >> 4) << 4 | op.map());
        put(op.w() << 7 | (~v & 15) << 3 | 1 << 2 | op.pp());
        put(length(bits) << 5 | (broadcast ? 1 << 4 : 0) | not(v >> 4) << 3 | mask);
    }

    private void vex(Simd op, int reg, int v, Operand rm, int bits, int mask, boolean broadcast) {
        if (reg > 15 || v > 15 || rm.number() > 15 || bits > 256 || mask != 0 || broadcast) {
            throw new IllegalArgumentException(op + " has no registers above 15, no masks, no broadcasts and at most 256 bits");
        }
        int x = rm instanceof Mem m ? m.index().map(i -> i.number() >> 3).orElse(0) : 0;
        int b = (rm instanceof Mem m ? m.base().number() : rm.number()) >> 3;
        int tail = (~v & 15) << 3 | length(bits) << 2 | op.pp();
        if (op.map() == 1 && op.w() == 0 && x == 0 && b == 0) {
            put(0xc5);
            put(not(reg >> 3) << 7 | tail);
        } else {
            put(0xc4);
            put(not(reg >> 3) << 7 | not(x) << 6 | not(b) << 5 | op.map());
            put(op.w() << 7 | tail);
        }
    }

    private static int not(int bit) {
        return ~bit & 1;
    }

    private static int length(int bits) {
        return bits / 256; // 0 for 128, 1 for 256, 2 for 512
    }

    private void modRm(int reg, Operand rm, int unit) {
        code.operands(reg, rm, unit);
    }

    // General instructions

    private void wide(int reg, Operand rm, int opcode) {
        rex(1, reg, rm);
        put(opcode);
        modRm(reg, rm, 1);
    }

    private void rex(int w, int reg, Operand rm) {
        code.rex(w, reg, rm);
    }

    public void mov(Gpr to, Gpr from) {
        wide(from.number(), to, 0x89);
    }

    public void load(Gpr to, Mem from) {
        wide(to.number(), from, 0x8b);
    }

    /** A constant of 32 bits; the upper half becomes 0. */
    public void mov(Gpr to, int constant) {
        rex(0, 0, to);
        put(0xb8 | to.number() & 7);
        putInt(constant);
    }

    public void add(Gpr to, Gpr from) {
        wide(from.number(), to, 0x01);
    }

    /** Adds a constant; for rax there is an encoding of its own. */
    public void add(Gpr to, int constant) {
        boolean small = constant == (byte) constant;
        if (to == Gpr.RAX && !small) {
            rex(1, 0, to);
            put(0x05);
            putInt(constant);
            return;
        }
        wide(0, to, small ? 0x83 : 0x81);
        if (small) {
            put(constant);
        } else {
            putInt(constant);
        }
    }

    /** Clears the bits that a small constant (sign-extended from 8 bits) lacks. */
    public void and(Gpr to, byte constant) {
        wide(4, to, 0x83);
        put(constant);
    }

    public void dec(Gpr r) {
        wide(1, r, 0xff);
    }

    public void test(Gpr a, Gpr b) {
        wide(b.number(), a, 0x85);
    }

    public void push(Gpr r) {
        rex(0, 0, r);
        put(0x50 | r.number() & 7);
    }

    public void pop(Gpr r) {
        rex(0, 0, r);
        put(0x58 | r.number() & 7);
    }

    /** Asks for a line of memory, which may be one that does not exist. */
    public void prefetcht0(Mem line) {
        rex(0, 0, line);
        put(0x0f);
        put(0x18);
        modRm(1, line, 1);
    }

    /** Mask register {@code k} = the low 16 bits of a register of the first eight. */
    public void kmovw(int k, Gpr from) {
        if (from.number() > 7) {
            throw new IllegalArgumentException("kmovw from " + from + " is not encoded here");
        }
        put(0xc5);
        put(0xf8);
        put(0x92);
        modRm(k, from, 1);
    }

    public void vzeroupper() {
        put(0xc5);
        put(0xf8);
        put(0x77);
    }

    public void ret() {
        put(0xc3);
    }

    // Jumps

    /** The label is here. */
    public void bind(Label label) {
        code.bind(label);
    }

    /** Jumps if the last result was so. */
    public void jump(Condition condition, Label label) {
        int near = label.bound() ? label.at() - size() - 2 : Integer.MIN_VALUE;
        if (near == (byte) near) {
            put(0x70 | condition.code);
            put(near);
            return;
        }
        put(0x0f);
        put(0x80 | condition.code);
        if (label.bound()) {
            putInt(label.at() - size() - Integer.BYTES);
        } else {
            label.references().add(size());
            putInt(0);
        }
    }

    /** Fills up, so that what follows starts at a multiple of {@code alignment}. */
    public void align(int alignment) {
        while (size() % alignment != 0) {
            put(0xcc); // int3: nobody comes here
        }
    }
}
