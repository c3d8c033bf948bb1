package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Gpr.R9;
import static io.jllm.cpu.machine.asm.Gpr.RAX;
import static io.jllm.cpu.machine.asm.Gpr.RCX;
import static io.jllm.cpu.machine.asm.Gpr.RDI;
import static io.jllm.cpu.machine.asm.Gpr.RDX;
import static io.jllm.cpu.machine.asm.Gpr.RSI;
import static io.jllm.cpu.machine.asm.Mem.at;

import io.jllm.cpu.layout.Numbers;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Gpr;
import io.jllm.cpu.machine.asm.Label;
import io.jllm.cpu.machine.asm.Moves;

/**
 * Rearranges stored rows into a group of a {@link WeightFormat}, for formats whose numbers only change places. A model is rearranged once,
 * so that compiled Java comes too late to be of use.
 *
 * <pre>{@code
 * unit:  row = stored
 *        for each of 16 rows, unrolled:
 *          for each number of its part of the unit:
 *            mov value, [row + ...]
 *            xor value, flip                 // where signed bytes become unsigned ones
 *            mov [group + 16 * ... + row], value
 *          row += rowBytes
 *        stored += unit; group += unit
 *        jump to unit while there are more
 * }</pre>
 */
public final class PackCode {
    private static final int ROWS = WeightFormat.ROWS;
    /** The unit of the first row. */
    private static final Gpr STORED = RDI;
    /** The unit of the group. */
    private static final Gpr GROUP = RSI;
    private static final Gpr ROW_BYTES = RDX;
    private static final Gpr UNITS = RCX;
    /** The unit of the row. */
    private static final Gpr ROW = R9;
    private static final Gpr VALUE = RAX;

    private final Assembler a;
    private final Moves moves;
    private final WeightFormat format;
    private final int flip;

    private PackCode(Assembler a, WeightFormat format) {
        this.a = a;
        moves = new Moves(a);
        this.format = format;
        flip = format.layout().moves().orElseThrow();
    }

    /** Whether there is code for a format; others want more than moves. */
    public static boolean covers(WeightFormat format) {
        return format.layout().moves().isPresent();
    }

    /**
     * {@code void f(stored, group, rowBytes, units)}, all of 64 bits: rearranges so many whole units of 16 rows, at least 1, from one row to
     * the next {@code rowBytes}.
     */
    public static void write(Assembler a, WeightFormat format) {
        new PackCode(a, format).write();
    }

    private void write() {
        var unit = new Label();
        a.bind(unit);
        a.mov(ROW, STORED);
        for (int row = 0; row < ROWS; row++) {
            row(row);
            a.add(ROW, ROW_BYTES);
        }
        int blocks = format.unitBlocks();
        a.add(STORED, blocks * blockBytes());
        a.add(GROUP, format.unitBytes(blocks));
        a.dec(UNITS);
        a.jump(Assembler.Condition.NOT_ZERO, unit);
        a.ret();
    }

    /** Bytes of a stored block of 32. */
    private int blockBytes() {
        int scale = format.headerBytes() == 0 ? 0 : Short.BYTES;
        return scale + format.blockBytes() / ROWS;
    }

    /** A unit's part of a row. */
    private void row(int row) {
        for (int b = 0; b < format.unitBlocks(); b++) {
            int stored = b * blockBytes();
            int to = format.headerBytes() + b * format.blockBytes();
            if (format.headerBytes() > 0) {
                half(stored, b * ROWS * Short.BYTES + row * Short.BYTES);
                stored += Short.BYTES;
            }
            int size = format.numbers() instanceof Numbers.Floats f ? f.run() : Integer.BYTES;
            for (int i = 0; i < format.blockBytes() / ROWS / size; i++) {
                int place = to + (i * ROWS + row) * size;
                if (size == Short.BYTES) {
                    half(stored + i * size, place);
                } else {
                    word(stored + i * size, place);
                }
            }
        }
    }

    private void half(int from, int to) {
        moves.loadHalf(VALUE, at(ROW, from));
        moves.storeHalf(at(GROUP, to), VALUE);
    }

    private void word(int from, int to) {
        moves.loadInt(VALUE, at(ROW, from));
        if (flip != 0) {
            moves.xorEax(flip); // signed bytes to unsigned ones
        }
        moves.storeInt(at(GROUP, to), VALUE);
    }
}
