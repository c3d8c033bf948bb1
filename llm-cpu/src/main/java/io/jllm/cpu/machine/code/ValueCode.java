package io.jllm.cpu.machine.code;

import static io.jllm.cpu.layout.attention.AttentionShape.HEADER_BYTES;
import static io.jllm.cpu.layout.attention.AttentionShape.ROWS;
import static io.jllm.cpu.machine.asm.Gpr.*;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.*;
import static io.jllm.cpu.machine.code.AttentionCode.LANES;
import static io.jllm.cpu.machine.code.AttentionCode.STRIDE_BYTES;
import static io.jllm.cpu.machine.code.AttentionCode.entry;

import io.jllm.cpu.layout.attention.AttentionShape;
import io.jllm.cpu.layout.attention.KvFormat;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Gpr;
import io.jllm.cpu.machine.asm.Label;
import io.jllm.cpu.machine.asm.Vec;

/**
 * The values of a chunk, each by its weight, added up. Sums of four rows stay in registers over all positions of all pages, for as many
 * dimensions as there is room for; then come the next ones.
 *
 * <pre>{@code
 * rows:  for some vectors v of dimensions:
 *          s[row][v] = 0
 *          for each entry, each of its positions p:
 *            x[v] = value[p][v]                          // a load, vcvtph2ps, or bytes by their scale
 *            vbroadcastss w, weight[row][p]              // for each of four rows
 *            vfmadd231ps s[row][v], x[v], w
 *          sums[row][v] = s[row][v]
 * }</pre>
 */
final class ValueCode {
    /** The first of the four rows' sums. */
    private static final Gpr SUMS = RDI;
    /** Its weights, and the one of the position. */
    private static final Gpr WEIGHTS = R14;
    private static final Gpr WEIGHT = RSI;
    private static final Gpr ROW_COUNT = RBX;
    /** Positions of the entry that are left. */
    private static final Gpr POSITIONS = RCX;
    /** The value of the position, and its scales. */
    private static final Gpr VALUE = RAX;
    private static final Gpr SCALES = R8;

    private final AttentionCode code;
    private final Emitter e;
    private final Assembler a;
    private final AttentionShape shape;
    private final int parts;
    private final int lanes;

    ValueCode(AttentionCode code) {
        this.code = code;
        e = code.emitter();
        a = e.assembler();
        shape = code.shape();
        parts = e.isa().parts();
        lanes = LANES / parts;
    }

    /** Writes it. */
    void write() {
        Label rows = new Label();
        code.load(SUMS, AttentionShape.SUMS);
        code.load(WEIGHTS, AttentionShape.SCORES);
        code.load(ROW_COUNT, AttentionShape.ROW_COUNT);
        a.bind(rows);
        int vectors = Math.ceilDiv(shape.dim(), LANES) * parts;
        int most = e.wide() ? 4 : 2;
        for (int v = 0; v < vectors; v += most) {
            values(v, Math.min(most, vectors - v));
        }
        a.add(SUMS, ROWS * shape.rowBytes());
        a.add(WEIGHTS, ROWS * STRIDE_BYTES);
        a.add(ROW_COUNT, -ROWS);
        a.jump(Assembler.Condition.NOT_ZERO, rows);
    }

    /** Some vectors of the sums of four rows. */
    private void values(int from, int vectors) {
        // Vectors: sums from 0 on, row after row; then a value, a weight, a scale.
        int value = ROWS * vectors;
        int weight = value + vectors;
        int scale = weight + 1;
        int bytes = shape.format().bytes();
        for (int i = 0; i < value; i++) {
            e.zero(i);
        }
        a.mov(WEIGHT, WEIGHTS);
        code.entries(() -> {
            Label position = new Label();
            a.load(POSITIONS, entry(0));
            a.load(VALUE, entry(2));
            if (shape.format().scaled()) {
                a.load(SCALES, entry(4));
            }
            a.bind(position);
            for (int v = 0; v < vectors; v++) {
                int dimension = (from + v) * lanes;
                // A scale holds for 32 dimensions, which are two or four vectors.
                if (shape.format().scaled() && (v == 0 || dimension % KvFormat.BLOCK == 0)) {
                    a.emit(VPBROADCASTW, e.vec(scale), at(SCALES, dimension / KvFormat.BLOCK * Short.BYTES));
                    a.emit(VCVTPH2PS, e.vec(scale), new Vec(scale, e.vec(scale).bits() / 2, 0));
                }
                code.number(value + v, at(VALUE, dimension * bytes), scale);
            }
            for (int r = 0; r < ROWS; r++) {
                a.emit(VBROADCASTSS, e.vec(weight), at(WEIGHT, r * STRIDE_BYTES));
                for (int v = 0; v < vectors; v++) {
                    e.multiplyAdd(r * vectors + v, value + v, e.vec(weight));
                }
            }
            a.add(VALUE, shape.dim() * bytes);
            a.add(WEIGHT, Float.BYTES);
            if (shape.format().scaled()) {
                a.add(SCALES, Math.ceilDiv(shape.dim(), KvFormat.BLOCK) * Short.BYTES);
            }
            a.dec(POSITIONS);
            a.jump(Assembler.Condition.NOT_ZERO, position);
        });
        for (int r = 0; r < ROWS; r++) {
            for (int v = 0; v < vectors; v++) {
                a.emit(VMOVUPS_STORE, at(SUMS, r * shape.rowBytes() + HEADER_BYTES + (from + v) * e.isa().bytes()), e.vec(r * vectors + v));
            }
        }
    }
}
