package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Gpr.R10;
import static io.jllm.cpu.machine.asm.Gpr.RAX;
import static io.jllm.cpu.machine.asm.Gpr.RDX;
import static io.jllm.cpu.machine.asm.Gpr.RSI;
import static io.jllm.cpu.machine.asm.Gpr.RSP;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.VMOVUPS_STORE;
import static io.jllm.cpu.machine.asm.Simd.VPAND;
import static io.jllm.cpu.machine.asm.Simd.VPANDN;
import static io.jllm.cpu.machine.asm.Simd.VPERMPS;
import static io.jllm.cpu.machine.asm.Simd.VPOR;
import static io.jllm.cpu.machine.asm.Simd.VPSLLD;
import static io.jllm.cpu.machine.asm.Simd.VPSRAD;
import static io.jllm.cpu.machine.asm.Simd.VPSRLD;
import static io.jllm.cpu.machine.asm.Simd.VSUBPS;

import io.jllm.cpu.layout.Numbers;
import io.jllm.cpu.layout.Planes;
import io.jllm.cpu.layout.Scales;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Gpr;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.machine.asm.Label;
import io.jllm.cpu.machine.asm.Moves;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A group of 16 rows of integers with scales to floats, as {@link WeightFormat#F32} has them.
 *
 * <pre>{@code
 * unit:  for each half of each block:
 *          factor, minimum = of 16 rows                  // ScaleCode
 *          v0..v3 = four columns each of 16 rows        // PlaneCode
 *          for each of these columns c:
 *            x = float(byte of v) - offset - zero       // or looked up as a float
 *            to[c] = x * factor - minimum                // each rounded
 *        weights += unit; to += its columns
 *        count -= blocks; jump if not below 0 to unit
 * }</pre>
 */
public final class DecodeCode {
    private static final int HALVES = 2;
    private static final int BYTE = 0xff;
    private static final byte ALIGN_STACK = -WeightFormat.VECTOR;
    private static final int STACK_BYTES = Emitter.CONSTANT_BYTES + ScaleCode.STACK_BYTES;
    /** Where on the stack a table of floats is: formats that have one compute no scales there. */
    private static final int NUMBERS_AT = Emitter.CONSTANT_BYTES;
    private static final int PLACES = 16;
    private static final Gpr TO = RSI;
    /** Blocks that are left. */
    private static final Gpr COUNT = RDX;
    /** The stack as it was: constants lie at a multiple of 64 below. */
    private static final Gpr FRAME = R10;
    // Vectors
    private static final int FACTOR = 0; // and with some scales the next one, before there are minima
    private static final int MINIMUM = 1; // or zeros
    private static final int BYTES = 2;
    private static final int WORK = 6;
    private static final int VALUE = 8;

    private final Emitter e;
    private final Assembler a;
    private final WeightFormat format;
    private final Planes planes;
    private final Scales scales;
    private final PlaneCode planeCode;
    private final ScaleCode scaleCode;
    private final int offset;

    private DecodeCode(Emitter e, WeightFormat format, Numbers.Integers numbers) {
        this.e = e;
        a = e.assembler();
        this.format = format;
        planes = numbers.planes();
        scales = numbers.scales();
        // numbers of a table are looked up as floats, so what is taken out of memory are places
        planeCode = new PlaneCode(planes.book().rounded() ? new Planes(0, 0, true) : planes);
        scaleCode = new ScaleCode(scales, 1, false);
        offset = Float.floatToRawIntBits(planes.offset());
    }

    /** {@code void f(weights, to, blocks)}, all of 64 bits: a group of so many blocks, at least 1, and whole units where a stored block is one. */
    public static void write(Assembler a, Isa isa, WeightFormat format, Numbers.Integers numbers) {
        new DecodeCode(new Emitter(a, isa), format, numbers).write();
    }

    private void write() {
        a.mov(FRAME, RSP);
        a.add(RSP, -(STACK_BYTES + WeightFormat.VECTOR));
        a.and(RSP, ALIGN_STACK);
        Set<Integer> constants = new LinkedHashSet<>(planeCode.constants());
        constants.addAll(scaleCode.constants());
        constants.addAll(planes.offset() == 0 ? List.of(BYTE) : List.of(BYTE, offset));
        constants.forEach(e::define);
        byte[] table = planeCode.table(false);
        if (table.length > 0) {
            e.defineTable(table);
        }
        if (planes.book().rounded()) {
            var moves = new Moves(a);
            for (int i = 0; i < PLACES; i++) {
                a.mov(RAX, Float.floatToRawIntBits(planes.book().number(i)));
                moves.storeInt(at(RSP, NUMBERS_AT + i * Float.BYTES), RAX);
            }
        }
        int blocks = format.unitBlocks();
        Label unit = new Label();
        Label rest = new Label();
        a.add(COUNT, -blocks);
        a.jump(Assembler.Condition.NO_CARRY, rest);
        a.bind(unit);
        blocks(0, blocks);
        a.add(BlockCode.WEIGHTS, format.unitBytes(blocks));
        a.add(TO, blocks * TokenFormat.BLOCK * WeightFormat.VECTOR);
        a.add(COUNT, -blocks);
        a.jump(Assembler.Condition.CARRY, unit);
        a.bind(rest);
        if (blocks > 1 && format.type().blockElements() < format.unitColumns()) {
            Label done = new Label();
            a.add(COUNT, blocks);
            a.jump(Assembler.Condition.ZERO, done);
            for (int b = 0; b < blocks - 1; b++) {
                blocks(b, b + 1);
                a.dec(COUNT);
                a.jump(Assembler.Condition.ZERO, done);
            }
            a.bind(done);
        }
        a.vzeroupper();
        a.mov(RSP, FRAME);
        a.ret();
    }

    /** Blocks {@code from} (inclusive) to {@code to} (exclusive) of a unit. */
    private void blocks(int from, int to) {
        for (int part = 0; part < WeightFormat.VECTOR; part += e.isa().bytes()) {
            if (from == 0) {
                scaleCode.prepare(e, 0, part);
            }
            for (int b = from; b < to; b++) {
                block(b, part);
            }
        }
    }

    private void block(int block, int part) {
        int at = format.headerBytes() + block * format.blockBytes();
        if (part == 0) {
            for (int i = 0; i < format.blockBytes(); i += WeightFormat.VECTOR) {
                a.prefetcht0(BlockCode.weights(0, ProductCode.AHEAD + at + i));
            }
        }
        for (int half = 0; half < HALVES; half++) {
            if (half == 0 || scales.each() == HALVES) {
                scaleCode.factor(e, FACTOR, block, half, part);
                if (scales.minima()) {
                    scaleCode.minimum(e, MINIMUM, block, half, part);
                }
                if (scales.zeros()) {
                    scaleCode.zero(e, MINIMUM, block, part);
                }
            }
            planeCode.unpack(e, BYTES, half, at, part, WORK);
            for (int k = 0; k < Planes.NIBBLES; k++) {
                int column = block * TokenFormat.BLOCK + planes.column(half, k) * Integer.BYTES;
                for (int c = 0; c < Integer.BYTES; c++) {
                    number(BYTES + k, c);
                    a.emit(VMOVUPS_STORE, at(TO, (column + c) * WeightFormat.VECTOR + part), e.vec(VALUE));
                }
            }
        }
    }

    /** A float for each row, of byte {@code c} of 32 bits. */
    private void number(int vector, int c) {
        int from = vector;
        if (c > 0) {
            a.emit(VPSRLD, e.vec(VALUE), e.vec(vector), c * Byte.SIZE);
            from = VALUE;
        }
        if (c < Integer.BYTES - 1) {
            a.emit(VPAND, e.vec(VALUE), e.vec(from), e.constant(BYTE));
        }
        if (planes.book().rounded()) {
            lookUp();
            e.multiply(VALUE, VALUE, e.vec(FACTOR));
            return;
        }
        e.toFloats(VALUE);
        if (planes.offset() != 0) {
            a.emit(VSUBPS, e.vec(VALUE), e.vec(VALUE), e.constant(offset));
        }
        if (scales.zeros()) {
            a.emit(VSUBPS, e.vec(VALUE), e.vec(VALUE), e.vec(MINIMUM));
        }
        e.multiply(VALUE, VALUE, e.vec(FACTOR));
        if (scales.minima()) {
            a.emit(VSUBPS, e.vec(VALUE), e.vec(VALUE), e.vec(MINIMUM));
        }
    }

    /** Numbers of a table of floats in place of their places: all 16 at once, or those of either half, of which the place's fourth bit takes one. */
    private void lookUp() {
        if (e.wide()) {
            a.emit(VPERMPS, e.vec(VALUE), e.vec(VALUE), at(RSP, NUMBERS_AT));
            return;
        }
        int upper = VALUE + 1;
        int which = VALUE + 2;
        a.emit(VPERMPS, e.vec(upper), e.vec(VALUE), at(RSP, NUMBERS_AT + e.isa().bytes()));
        a.emit(VPSLLD, e.vec(which), e.vec(VALUE), Integer.SIZE - Planes.NIBBLES);
        a.emit(VPSRAD, e.vec(which), e.vec(which), Integer.SIZE - 1);
        a.emit(VPERMPS, e.vec(VALUE), e.vec(VALUE), at(RSP, NUMBERS_AT));
        a.emit(VPAND, e.vec(upper), e.vec(upper), e.vec(which));
        a.emit(VPANDN, e.vec(VALUE), e.vec(which), e.vec(VALUE));
        a.emit(VPOR, e.vec(VALUE), e.vec(VALUE), e.vec(upper));
    }
}
