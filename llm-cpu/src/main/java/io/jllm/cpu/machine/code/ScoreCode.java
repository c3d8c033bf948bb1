package io.jllm.cpu.machine.code;

import static io.jllm.cpu.layout.AttentionShape.ROWS;
import static io.jllm.cpu.machine.code.AttentionCode.LANES;
import static io.jllm.cpu.machine.code.AttentionCode.STRIDE_BYTES;
import static io.jllm.cpu.machine.code.AttentionCode.entry;
import static io.jllm.cpu.machine.asm.Gpr.*;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.VMOVUPS_STORE;

import io.jllm.cpu.layout.AttentionShape;
import io.jllm.cpu.layout.KvFormat;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Label;
import io.jllm.cpu.machine.asm.Operand;

/** The scores of a chunk: products of queries with keys. */
final class ScoreCode {
    private static final int UNROLL = 4;

    private final AttentionCode code;
    private final Emitter e;
    private final Assembler a;
    private final AttentionShape shape;
    private final int parts;
    private final int lanes;

    ScoreCode(AttentionCode code) {
        this.code = code;
        e = code.emitter();
        a = e.assembler();
        shape = code.shape();
        parts = e.isa().parts();
        lanes = LANES / parts;
    }

    /** Writes it. */
    void write() {
        code.load(RBX, AttentionShape.SCORES);
        code.entries(() -> {
            code.load(RDI, AttentionShape.QUERIES);
            a.mov(R14, RBX);
            code.load(R15, AttentionShape.ROW_COUNT);
            rows();
            a.load(RAX, entry(0));
            for (int i = 0; i < Float.BYTES; i++) {
                a.add(RBX, RAX);
            }
        });
    }

    /** Scores of all rows for the positions of an entry. */
    private void rows() {
        int most = e.wide() ? 2 * ROWS : ROWS;
        Label loop = new Label();
        Label rest = new Label();
        Label done = new Label();
        a.add(R15, -most);
        a.jump(Assembler.Condition.NO_CARRY, rest);
        a.bind(loop);
        keys(most);
        a.add(RDI, most * shape.dim() * Float.BYTES);
        a.add(R14, most * STRIDE_BYTES);
        a.add(R15, -most);
        a.jump(Assembler.Condition.CARRY, loop);
        a.bind(rest);
        if (most > ROWS) {
            a.add(R15, most);
            a.jump(Assembler.Condition.ZERO, done);
            keys(ROWS);
            a.bind(done);
        }
    }

    /** Scores of some rows, a group of positions at a time. */
    private void keys(int rows) {
        Label loop = new Label();
        a.load(R9, entry(0));
        a.add(R9, -1);
        a.load(R8, entry(1));
        if (shape.format().scaled()) {
            a.load(R11, entry(3));
        }
        a.mov(R10, R14);
        a.bind(loop);
        for (int i = 0; i < rows * parts; i++) {
            e.zero(i);
        }
        a.mov(RSI, R8);
        a.mov(RDX, RDI);
        int block = shape.format().scaled() ? KvFormat.BLOCK : shape.dim();
        if (shape.format().scaled()) {
            a.mov(RAX, R11);
        }
        for (int d = 0; d < shape.dim(); d += block) {
            if (shape.format().scaled()) {
                for (int h = 0; h < parts; h++) {
                    e.halves(rows * parts + 3 + h, at(RAX, h * lanes * Short.BYTES));
                }
                a.add(RAX, shape.positions() * Short.BYTES);
            }
            dimensions(Math.min(block, shape.dim() - d), rows);
        }
        for (int r = 0; r < rows; r++) {
            for (int h = 0; h < parts; h++) {
                a.emit(VMOVUPS_STORE, at(R10, r * STRIDE_BYTES + h * e.isa().bytes()), e.vec(r * parts + h));
            }
        }
        a.add(R8, LANES * shape.format().bytes());
        a.add(R10, LANES * Float.BYTES);
        if (shape.format().scaled()) {
            a.add(R11, LANES * Short.BYTES);
        }
        a.add(R9, -LANES);
        a.jump(Assembler.Condition.CARRY, loop);
    }

    /** Adds the products of some dimensions. */
    private void dimensions(int count, int rows) {
        int loops = count / UNROLL;
        if (loops > 0) {
            Label loop = new Label();
            a.mov(RCX, loops);
            a.bind(loop);
            products(rows, UNROLL);
            a.dec(RCX);
            a.jump(Assembler.Condition.NOT_ZERO, loop);
        }
        if (count % UNROLL > 0) {
            products(rows, count % UNROLL);
        }
    }

    private void products(int rows, int count) {
        int key = rows * parts;
        int bytes = shape.positions() * shape.format().bytes();
        for (int i = 0; i < count; i++) {
            for (int h = 0; h < parts; h++) {
                code.number(key + h, at(RSI, i * bytes + h * lanes * shape.format().bytes()), key + 3 + h);
            }
            for (int r = 0; r < rows; r++) {
                Operand q = e.each(at(RDX, (r * shape.dim() + i) * Float.BYTES), key + 2);
                for (int h = 0; h < parts; h++) {
                    e.multiplyAdd(r * parts + h, key + h, q);
                }
            }
        }
        a.add(RSI, count * bytes);
        a.add(RDX, count * Float.BYTES);
    }
}
