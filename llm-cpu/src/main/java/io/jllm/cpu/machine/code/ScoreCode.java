package io.jllm.cpu.machine.code;

import static io.jllm.cpu.layout.attention.AttentionShape.ROWS;
import static io.jllm.cpu.machine.asm.Gpr.*;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.VMOVUPS_STORE;
import static io.jllm.cpu.machine.code.AttentionCode.LANES;
import static io.jllm.cpu.machine.code.AttentionCode.STRIDE_BYTES;
import static io.jllm.cpu.machine.code.AttentionCode.entry;

import io.jllm.cpu.layout.attention.AttentionShape;
import io.jllm.cpu.layout.attention.KvFormat;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Gpr;
import io.jllm.cpu.machine.asm.Label;
import io.jllm.cpu.machine.asm.Operand;

/**
 * The scores of a chunk: products of queries with keys. As keys lie dimension by dimension, a vector has the same dimension of 16 positions:
 * nothing is ever added across lanes.
 *
 * <pre>{@code
 * entry:  for 8 or 4 rows:
 *           for each 16 positions:
 *             s[row] = 0
 *             for each dimension d, four unrolled:
 *               k = keys[d][positions]                   // a load, vcvtph2ps, or bytes by their scales
 *               vfmadd231ps s[row], k, q[row][d] {1to16}
 *             scores[row][positions] = s[row]            // some behind the last position are written too
 * }</pre>
 */
final class ScoreCode {
    /** The first score of the entry, of the first row. */
    private static final Gpr ENTRY_SCORES = RBX;
    /** The same of the first of the rows that are computed together. */
    private static final Gpr ROW_SCORES = R14;
    /** Rows that are left. */
    private static final Gpr ROW_COUNT = R15;
    /** The rows' queries, and a dimension of theirs. */
    private static final Gpr QUERIES = RDI;
    private static final Gpr QUERY = RDX;
    /** Positions that are left, less one: so a carry says that there are more. */
    private static final Gpr POSITIONS = R9;
    /** The keys of the group of positions, and a dimension of theirs. */
    private static final Gpr KEYS = R8;
    private static final Gpr KEY = RSI;
    /** Their scales, and those of a block of dimensions. */
    private static final Gpr SCALES = R11;
    private static final Gpr SCALE = RAX;
    /** Where the scores of the group go. */
    private static final Gpr SCORES = R10;
    /** Loops over dimensions that are left. */
    private static final Gpr LOOPS = RCX;
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
        code.load(ENTRY_SCORES, AttentionShape.SCORES);
        code.entries(() -> {
            code.load(QUERIES, AttentionShape.QUERIES);
            a.mov(ROW_SCORES, ENTRY_SCORES);
            code.load(ROW_COUNT, AttentionShape.ROW_COUNT);
            rows();
            a.load(SCALE, entry(0)); // how many positions; no scale is in use here
            for (int i = 0; i < Float.BYTES; i++) {
                a.add(ENTRY_SCORES, SCALE);
            }
        });
    }

    /** Scores of all rows for the positions of an entry. */
    private void rows() {
        int most = e.wide() ? 2 * ROWS : ROWS;
        Label loop = new Label();
        Label rest = new Label();
        Label done = new Label();
        a.add(ROW_COUNT, -most);
        a.jump(Assembler.Condition.NO_CARRY, rest);
        a.bind(loop);
        keys(most);
        a.add(QUERIES, most * shape.dim() * Float.BYTES);
        a.add(ROW_SCORES, most * STRIDE_BYTES);
        a.add(ROW_COUNT, -most);
        a.jump(Assembler.Condition.CARRY, loop);
        a.bind(rest);
        if (most > ROWS) {
            a.add(ROW_COUNT, most);
            a.jump(Assembler.Condition.ZERO, done);
            keys(ROWS);
            a.bind(done);
        }
    }

    /** Scores of some rows, a group of positions at a time. */
    private void keys(int rows) {
        Label loop = new Label();
        a.load(POSITIONS, entry(0));
        a.add(POSITIONS, -1);
        a.load(KEYS, entry(1));
        if (shape.format().scaled()) {
            a.load(SCALES, entry(3));
        }
        a.mov(SCORES, ROW_SCORES);
        a.bind(loop);
        for (int i = 0; i < rows * parts; i++) {
            e.zero(i);
        }
        a.mov(KEY, KEYS);
        a.mov(QUERY, QUERIES);
        int block = shape.format().scaled() ? KvFormat.BLOCK : shape.dim();
        if (shape.format().scaled()) {
            a.mov(SCALE, SCALES);
        }
        for (int d = 0; d < shape.dim(); d += block) {
            if (shape.format().scaled()) {
                for (int h = 0; h < parts; h++) {
                    e.halves(rows * parts + 3 + h, at(SCALE, h * lanes * Short.BYTES));
                }
                a.add(SCALE, shape.positions() * Short.BYTES);
            }
            dimensions(Math.min(block, shape.dim() - d), rows);
        }
        for (int r = 0; r < rows; r++) {
            for (int h = 0; h < parts; h++) {
                a.emit(VMOVUPS_STORE, at(SCORES, r * STRIDE_BYTES + h * e.isa().bytes()), e.vec(r * parts + h));
            }
        }
        a.add(KEYS, LANES * shape.format().bytes());
        a.add(SCORES, LANES * Float.BYTES);
        if (shape.format().scaled()) {
            a.add(SCALES, LANES * Short.BYTES);
        }
        a.add(POSITIONS, -LANES);
        a.jump(Assembler.Condition.CARRY, loop);
    }

    /** Adds the products of some dimensions. */
    private void dimensions(int count, int rows) {
        int loops = count / UNROLL;
        if (loops > 0) {
            Label loop = new Label();
            a.mov(LOOPS, loops);
            a.bind(loop);
            products(rows, UNROLL);
            a.dec(LOOPS);
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
                code.number(key + h, at(KEY, i * bytes + h * lanes * shape.format().bytes()), key + 3 + h);
            }
            for (int r = 0; r < rows; r++) {
                Operand q = e.each(at(QUERY, (r * shape.dim() + i) * Float.BYTES), key + 2);
                for (int h = 0; h < parts; h++) {
                    e.multiplyAdd(r * parts + h, key + h, q);
                }
            }
        }
        a.add(KEY, count * bytes);
        a.add(QUERY, count * Float.BYTES);
    }
}
