package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Gpr.*;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.*;

import io.jllm.cpu.layout.attention.RopeShape;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Constant;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Gpr;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.machine.asm.Label;
import io.jllm.cpu.machine.asm.Mem;
import io.jllm.cpu.machine.asm.Vec;
import java.util.List;

/**
 * Rotation of heads, and where keys and values go. A rotated number is a product, a product, a sum: three roundings, as plain Java has it.
 * Code is for one shape, so there is no loop within a head:
 *
 * <pre>{@code
 * halves:      a = in[i..], b = in[half + i..]
 *              to[i..]        = a * cos[i..] + b * sin[i..]
 *              to[half + i..] = b * cos[half + i..] + a * sin[half + i..]
 * neighbours:  a = in[i..], b = a with lanes swapped in pairs
 *              to[i..]        = a * cos[i..] + b * sin[i..]
 * copy:        dimensions that are not rotated
 * scatter:     for each dimension d: [keysTo + d * positions * 4] = scratch[d]
 * }</pre>
 */
public final class RopeCode {
    private static final List<Gpr> SAVED = List.of(RBX, RBP, R12, R13, R14, R15);
    /** Lanes 1, 0, 3, 2. */
    private static final int SWAP_PAIRS = 0xb1;
    /** The heads, or the keys. */
    private static final Gpr IN = RDI;
    /** Where a rotated head goes: to the results, or to scratch memory on its way to a page. */
    private static final Gpr TO = RSI;
    private static final Gpr COS = RDX;
    private static final Gpr SIN = RCX;
    private static final Gpr HEADS = R8;
    private static final Gpr TABLE = R9;
    private static final Gpr VALUES = R10;
    private static final Gpr KEYS_TO = R12;
    private static final Gpr VALUES_TO = R13;
    /** Bytes from head to head in a page. */
    private static final Gpr STRIDE = R14;
    /** For constants on their way to another kind of register. */
    private static final Gpr SCRATCH = RAX;
    /** The mask register for a vector that is not full. */
    private static final int TAIL = 1;
    /** A vector for that, where there are no mask registers. */
    private static final int MASK = 15;

    private final Emitter e;
    private final Assembler a;
    private final RopeShape shape;
    private final int lanes;

    private RopeCode(Assembler a, Isa isa, RopeShape shape) {
        e = new Emitter(a, isa);
        this.a = a;
        this.shape = shape;
        lanes = isa.bytes() / Float.BYTES;
    }

    /** {@code void f(in, out, cos, sin, heads, table)}: rotates heads that lie one after the other. */
    public static void writeRotate(Assembler a, Isa isa, RopeShape shape) {
        var code = new RopeCode(a, isa, shape);
        Label head = new Label();
        a.bind(head);
        code.rotate();
        code.copy(shape.rotaryDim(), IN, TO);
        a.add(IN, shape.dim() * Float.BYTES);
        a.add(TO, shape.dim() * Float.BYTES);
        a.dec(HEADS);
        a.jump(Assembler.Condition.NOT_ZERO, head);
        a.vzeroupper();
        a.ret();
    }

    /**
     * {@code void f(keys, values, cos, sin, heads, table, keysTo, valuesTo, stride, scratch)}: rotates keys and stores their dimensions
     * {@code positions} floats apart, stores values; from head to head, both go on by {@code stride} bytes there.
     */
    public static void writeStore(Assembler a, Isa isa, RopeShape shape) {
        var code = new RopeCode(a, isa, shape);
        SAVED.forEach(a::push);
        int argument = (SAVED.size() + 1) * Long.BYTES;
        a.mov(VALUES, TO); // the second argument, whose register scratch memory takes
        a.load(KEYS_TO, at(RSP, argument));
        a.load(VALUES_TO, at(RSP, argument + Long.BYTES));
        a.load(STRIDE, at(RSP, argument + 2 * Long.BYTES));
        a.load(TO, at(RSP, argument + 3 * Long.BYTES));
        Label head = new Label();
        a.bind(head);
        code.rotate();
        code.copy(shape.rotaryDim(), IN, TO);
        code.scatter();
        code.copy(0, VALUES, VALUES_TO);
        a.add(IN, shape.dim() * Float.BYTES);
        a.add(VALUES, shape.dim() * Float.BYTES);
        a.add(KEYS_TO, STRIDE);
        a.add(VALUES_TO, STRIDE);
        a.dec(HEADS);
        a.jump(Assembler.Condition.NOT_ZERO, head);
        a.vzeroupper();
        SAVED.reversed().forEach(a::pop);
        a.ret();
    }

    private void rotate() {
        if (shape.halves()) {
            int half = shape.rotaryDim() / 2;
            for (int i = 0; i < half; i += lanes) {
                int count = Math.min(lanes, half - i);
                mask(count);
                load(0, IN, i, count);
                load(1, IN, half + i, count);
                product(2, 0, 1, i, count);
                product(4, 1, 0, half + i, count);
                store(TO, i, 2, count);
                store(TO, half + i, 4, count);
            }
        } else {
            for (int i = 0; i < shape.rotaryDim(); i += lanes) {
                int count = Math.min(lanes, shape.rotaryDim() - i);
                mask(count);
                load(0, IN, i, count);
                a.emit(VPSHUFD, e.vec(1), e.vec(0), SWAP_PAIRS);
                product(2, 0, 1, i, count);
                store(TO, i, 2, count);
            }
        }
    }

    /** to = x by cosines + y by sines from a dimension on; destroys the next register. */
    private void product(int to, int x, int y, int dimension, int count) {
        load(to, COS, dimension, count);
        load(to + 1, SIN, dimension, count);
        e.multiply(to, to, e.vec(x));
        e.multiply(to + 1, to + 1, e.vec(y));
        a.emit(VADDPS, e.vec(to), e.vec(to), e.vec(to + 1));
    }

    /** Dimensions from one on as they are. */
    private void copy(int first, Gpr from, Gpr to) {
        for (int i = first; i < shape.dim(); i += lanes) {
            int count = Math.min(lanes, shape.dim() - i);
            mask(count);
            load(0, from, i, count);
            store(to, i, 0, count);
        }
    }

    /** A head's numbers, from scratch memory, to where its keys are, one by one: AVX2 has no store to places apart. */
    private void scatter() {
        for (int d = 0; d < shape.dim(); d++) {
            a.emit(VMOVD, Vec.xmm(d % 4), at(TO, d * Float.BYTES));
            a.emit(VMOVD_STORE, at(KEYS_TO, d * shape.positions() * Float.BYTES), Vec.xmm(d % 4));
        }
    }

    /** Makes the mask for so many lanes, unless these are all. */
    private void mask(int count) {
        if (count == lanes) {
            return;
        }
        if (e.wide()) {
            a.mov(SCRATCH, (1 << count) - 1);
            a.kmovw(TAIL, SCRATCH);
        } else {
            e.load(MASK, Constant.ones(TABLE, count));
        }
    }

    private void load(int to, Gpr from, int index, int count) {
        Mem at = at(from, index * Float.BYTES);
        if (count == lanes) {
            e.load(to, at);
        } else if (e.wide()) {
            a.emit(VMOVUPS, e.vec(to).masked(TAIL), at);
        } else {
            a.emit(VMASKMOVPS, e.vec(to), e.vec(MASK), at);
        }
    }

    private void store(Gpr to, int index, int from, int count) {
        Mem at = at(to, index * Float.BYTES);
        if (count == lanes) {
            a.emit(VMOVUPS_STORE, at, e.vec(from));
        } else if (e.wide()) {
            a.emit(VMOVUPS_STORE, at, e.vec(from).masked(TAIL));
        } else {
            a.emit(VMASKMOVPS_STORE, at, e.vec(MASK), e.vec(from));
        }
    }
}
