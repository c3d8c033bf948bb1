package io.jllm.cpu.machine.asm;

import java.util.Arrays;

/** Bytes of code as they are written, little-endian, and the part that all instructions with operands share. */
final class CodeBuffer {
    /** The number in the base's place that stands for no base, unless a displacement follows: rbp and r13 always have one. */
    private static final int NO_BASE = 5;

    private byte[] bytes = new byte[4096];
    private int size;

    /** What was written. */
    byte[] bytes() {
        return Arrays.copyOf(bytes, size);
    }

    /** Bytes so far. */
    int size() {
        return size;
    }

    /** Appends the low 8 bits. */
    void put(int b) {
        if (size == bytes.length) {
            bytes = Arrays.copyOf(bytes, 2 * size);
        }
        bytes[size++] = (byte) b;
    }

    /** Appends four bytes. */
    void putInt(int v) {
        for (int i = 0; i < Integer.BYTES; i++) {
            put(v >> Byte.SIZE * i);
        }
    }

    /** The prefix of 64 bits and of registers above 7; left out where it would say nothing. */
    void rex(int w, int reg, Operand rm) {
        int x = rm instanceof Mem m ? m.index().map(i -> i.number() >> 3).orElse(0) : 0;
        int b = (rm instanceof Mem m ? m.base().number() : rm.number()) >> 3;
        int bits = w << 3 | reg >> 3 << 2 | x << 1 | b;
        if (bits != 0) {
            put(0x40 | bits);
        }
    }

    /** The byte or bytes that name operands (ModR/M, SIB, displacement); a displacement of 8 bits counts in units. */
    void operands(int reg, Operand rm, int unit) {
        int field = (reg & 7) << 3;
        if (!(rm instanceof Mem m)) {
            put(3 << 6 | field | rm.number() & 7);
            return;
        }
        int base = m.base().number() & 7;
        int d = m.displacement();
        boolean small = d % unit == 0 && d / unit == (byte) (d / unit);
        int mod = d == 0 && base != NO_BASE ? 0 : small ? 1 : 2;
        boolean sib = m.index().isPresent() || base == Gpr.RSP.number();
        put(mod << 6 | field | (sib ? Gpr.RSP.number() : base));
        if (sib) {
            int index = m.index().map(Gpr::number).orElse(Gpr.RSP.number()) & 7;
            put(Integer.numberOfTrailingZeros(m.scale()) << 6 | index << 3 | base);
        }
        switch (mod) {
            case 1 -> put(d / unit);
            case 2 -> putInt(d);
            default -> { }
        }
    }

    /** Says to all who wait for a label how far behind them it is: here. */
    void bind(Label label) {
        label.bind(size);
        for (int at : label.references()) {
            int distance = size - at - Integer.BYTES;
            for (int i = 0; i < Integer.BYTES; i++) {
                bytes[at + i] = (byte) (distance >> Byte.SIZE * i);
            }
        }
    }
}
