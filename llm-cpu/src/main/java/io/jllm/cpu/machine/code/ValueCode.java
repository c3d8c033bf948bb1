package io.jllm.cpu.machine.code;

import static io.jllm.cpu.layout.AttentionShape.HEADER_BYTES;
import static io.jllm.cpu.layout.AttentionShape.ROWS;
import static io.jllm.cpu.machine.code.AttentionCode.LANES;
import static io.jllm.cpu.machine.code.AttentionCode.STRIDE_BYTES;
import static io.jllm.cpu.machine.code.AttentionCode.entry;
import static io.jllm.cpu.machine.asm.Gpr.*;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.*;

import io.jllm.cpu.layout.AttentionShape;
import io.jllm.cpu.layout.KvFormat;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Label;
import io.jllm.cpu.machine.asm.Vec;

/** The values of a chunk, each by its weight, added up. */
final class ValueCode {
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
        code.load(RDI, AttentionShape.SUMS);
        code.load(R14, AttentionShape.SCORES);
        code.load(RBX, AttentionShape.ROW_COUNT);
        a.bind(rows);
        int vectors = Math.ceilDiv(shape.dim(), LANES) * parts;
        int most = e.wide() ? 4 : 2;
        for (int v = 0; v < vectors; v += most) {
            values(v, Math.min(most, vectors - v));
        }
        a.add(RDI, ROWS * shape.rowBytes());
        a.add(R14, ROWS * STRIDE_BYTES);
        a.add(RBX, -ROWS);
        a.jump(Assembler.Condition.NOT_ZERO, rows);
    }

    /** Some vectors of the sums of four rows. */
    private void values(int from, int vectors) {
        int value = ROWS * vectors;
        int weight = value + vectors;
        int scale = weight + 1;
        int bytes = shape.format().bytes();
        for (int i = 0; i < value; i++) {
            e.zero(i);
        }
        a.mov(RSI, R14);
        code.entries(() -> {
            Label position = new Label();
            a.load(RCX, entry(0));
            a.load(RAX, entry(2));
            if (shape.format().scaled()) {
                a.load(R8, entry(4));
            }
            a.bind(position);
            for (int v = 0; v < vectors; v++) {
                int dimension = (from + v) * lanes;
                if (shape.format().scaled() && (v == 0 || dimension % KvFormat.BLOCK == 0)) {
                    a.emit(VPBROADCASTW, e.vec(scale), at(R8, dimension / KvFormat.BLOCK * Short.BYTES));
                    a.emit(VCVTPH2PS, e.vec(scale), new Vec(scale, e.vec(scale).bits() / 2, 0));
                }
                code.number(value + v, at(RAX, dimension * bytes), scale);
            }
            for (int r = 0; r < ROWS; r++) {
                a.emit(VBROADCASTSS, e.vec(weight), at(RSI, r * STRIDE_BYTES));
                for (int v = 0; v < vectors; v++) {
                    e.multiplyAdd(r * vectors + v, value + v, e.vec(weight));
                }
            }
            a.add(RAX, shape.dim() * bytes);
            a.add(RSI, Float.BYTES);
            if (shape.format().scaled()) {
                a.add(R8, Math.ceilDiv(shape.dim(), KvFormat.BLOCK) * Short.BYTES);
            }
            a.dec(RCX);
            a.jump(Assembler.Condition.NOT_ZERO, position);
        });
        for (int r = 0; r < ROWS; r++) {
            for (int v = 0; v < vectors; v++) {
                a.emit(VMOVUPS_STORE, at(RDI, r * shape.rowBytes() + HEADER_BYTES + (from + v) * e.isa().bytes()), e.vec(r * vectors + v));
            }
        }
    }
}
