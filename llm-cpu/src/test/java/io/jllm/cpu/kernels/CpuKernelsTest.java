package io.jllm.cpu.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.cpu.machine.MachineKernels;
import io.jllm.cpu.machine.MachineSelfTest;
import io.jllm.cpu.machine.MachineTier;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.vector.VectorKernels;
import io.jllm.model.HeadOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Scores;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.spi.StepBatch;
import io.jllm.spi.TinyModels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Every tier that runs here, by all that the contract has, against plain Java. */
class CpuKernelsTest {
    private static final Program PROGRAM = TinyModels.program(TinyModels.config(50));
    private static final int TOKENS = 11;
    /** So far into a text that positions before the step's fill a chunk and a part of the next one. */
    private static final int BEFORE = AttentionTiles.CHUNK + 21;
    private static final int BLOCK_SIZE = 16;
    private static final double TOLERANCE = 2e-5;

    private final CpuKernels scalar = new ScalarKernels();
    private final Random random = new Random(5);
    private final Arena arena = Arena.ofConfined();
    private final Workspace ws = new Workspace(arena, 600, 600L * BLOCK_SIZE);

    @AfterEach
    void close() {
        arena.close();
    }

    /** Machine code once with each of the others behind it: what it hands on is then computed by both. */
    private static List<CpuKernels> tiers() {
        var all = new ArrayList<CpuKernels>(List.of(new ScalarKernels(), new VectorKernels()));
        for (Isa isa : Isa.values()) {
            MachineKernels.of(isa).ifPresent(m -> {
                all.add(new MachineTier(m, new ScalarKernels()));
                all.add(new MachineTier(m, new VectorKernels()));
            });
        }
        return all;
    }

    private Rows rows(int count, int width) {
        return new Rows(arena.allocate((long) count * width * Float.BYTES, 64), 0, width);
    }

    private Rows gaussian(int count, int width) {
        Rows rows = rows(count, width);
        for (long i = 0; i < (long) count * width; i++) {
            rows.data().set(Rows.FLOAT, i * Float.BYTES, (float) random.nextGaussian());
        }
        return rows;
    }

    private static void near(Rows want, Rows got, double tolerance, String what) {
        for (long at = 0; at < want.data().byteSize(); at += Float.BYTES) {
            float w = want.data().get(Rows.FLOAT, at);
            assertEquals(w, got.data().get(Rows.FLOAT, at), tolerance * (1 + Math.abs(w)), what + ", float " + at / Float.BYTES);
        }
    }

    /** Sums of hundreds of numbers in another order: what is lost depends on how large they are, and not on what is left when they cancel out. */
    private static void asNearAsSumsAre(Rows want, Rows got, String what) {
        double largest = 0;
        for (long at = 0; at < want.data().byteSize(); at += Float.BYTES) {
            largest = Math.max(largest, Math.abs(want.data().get(Rows.FLOAT, at)));
        }
        for (long at = 0; at < want.data().byteSize(); at += Float.BYTES) {
            assertEquals(want.data().get(Rows.FLOAT, at), got.data().get(Rows.FLOAT, at), 1e-5 * largest, what + ", float " + at / Float.BYTES);
        }
    }

    private Rows stored(CpuKernels kernels, Tensor t, Rows x) {
        Rows out = rows(TOKENS, (int) t.rows());
        kernels.stored().linear(StoredMatrix.of(t, new float[0]), 0, (int) t.rows(), x, TOKENS, new Target(out, 0, Optional.empty()), ws);
        return out;
    }

    @Test
    void productsOfWeightsAsTheFileHasThem() {
        for (WeightFormat format : WeightFormat.all()) {
            DType type = format.type();
            Tensor t = MachineSelfTest.random(arena, random, format, 21, 512);
            Rows x = gaussian(TOKENS, 512);
            Rows want = stored(scalar, t, x);
            for (CpuKernels kernels : tiers()) {
                Rows got = stored(kernels, t, x);
                asNearAsSumsAre(want, got, kernels.describe() + " " + type);
                if (kernels instanceof MachineTier m) {
                    near(stored(m.next(), t, x), got, 0, kernels.describe() + " " + type + ", handed on");
                }
            }
        }
    }

    /** Tiers that rearrange weights give the same bits; of floats they are near to products of what is stored. */
    @Test
    void productsOfRearrangedWeights() {
        for (WeightFormat format : WeightFormat.all()) {
            DType type = format.type();
            Tensor t = MachineSelfTest.random(arena, random, format, 53, 512);
            Rows x = gaussian(TOKENS, 512);
            Optional<Rows> first = Optional.empty();
            for (CpuKernels kernels : tiers()) {
                Optional<PackedProducts> products = kernels.packed(format);
                if (products.isPresent()) {
                    Rows got = packed(products.get(), t, x);
                    near(first.orElse(got), got, 0, kernels.describe() + " " + type);
                    first = Optional.of(got);
                    if (!type.isQuantized()) {
                        near(stored(scalar, t, x), got, 1e-3, kernels.describe() + " " + type);
                    }
                }
            }
        }
        assertTrue(scalar.packed(WeightFormat.Q4_0).isEmpty());
    }

    private Rows packed(PackedProducts products, Tensor t, Rows x) {
        int rows = (int) t.rows();
        var format = WeightFormat.of(t).orElseThrow();
        var w = PackedMatrix.of(format, arena.allocate(format.bytes(rows, t.cols()), 64), rows, (int) t.cols());
        products.pack(w, t, 0, w.groups());
        var arranged = new BlockRows(products.tokens(), arena.allocate(products.tokens().bytes(TOKENS, w.cols()), 64), w.cols());
        for (int i = 0; i < TOKENS; i += BlockRows.GROUP) {
            products.arrange(x, i, TOKENS, arranged, ws);
        }
        Rows out = rows(TOKENS, rows);
        products.linear(w, 0, rows, arranged, TOKENS, new Target(out, 0, Optional.empty()), ws);
        return out;
    }

    @Test
    void rowsOfFloats() {
        for (int n : new int[] {1, 15, 16, 100, 517}) {
            Rows x = gaussian(2, n);
            var weight = new float[n];
            for (int i = 0; i < n; i++) {
                weight[i] = random.nextFloat();
            }
            Rows norm = norm(scalar, x, weight);
            float[] sums = sums(scalar, x);
            for (CpuKernels kernels : tiers()) {
                near(norm, norm(kernels, x, weight), TOLERANCE, kernels.describe());
                for (Op.Activation kind : Op.Activation.values()) {
                    near(gated(scalar, kind, x), gated(kernels, kind, x), TOLERANCE, kernels.describe() + " " + kind);
                }
                float[] got = sums(kernels, x);
                assertEquals(sums[0], got[0], kernels.describe());
                assertEquals(sums[1], got[1], TOLERANCE * sums[1], kernels.describe());
            }
        }
    }

    private Rows norm(CpuKernels kernels, Rows x, float[] weight) {
        Rows out = rows(1, x.width());
        kernels.rows().norm(weight, 1e-5f).apply(x.data(), x.row(1), out.data(), 0, x.width(), ws);
        return out;
    }

    private Rows gated(CpuKernels kernels, Op.Activation kind, Rows x) {
        Rows out = rows(1, x.width());
        kernels.rows().gate(kind).apply(x.data(), x.row(0), x.row(1), out.data(), 0, x.width(), ws);
        return out;
    }

    private float[] sums(CpuKernels kernels, Rows x) {
        var highest = new float[3];
        var sums = new float[3];
        kernels.rows().sums(x.data(), x.row(1), x.width(), highest, sums, 2, ws);
        return new float[] {highest[2], sums[2]};
    }

    private static <T extends Op> T first(Class<T> kind) {
        return PROGRAM.ops().stream().filter(kind::isInstance).map(kind::cast).findFirst().orElseThrow();
    }

    private KvCache cache(DType type) {
        int blocks = Math.ceilDiv(BEFORE + TOKENS, BLOCK_SIZE);
        var cache = new KvCache(arena, scalar.memory(), PROGRAM, type, BLOCK_SIZE, blocks);
        IntStream.range(0, blocks).forEach(cache::touch);
        return cache;
    }

    /** Rotates tokens at positions from 0 on; the queries, then the keys and values of their heads as floats. */
    private List<Rows> rotated(CpuKernels kernels, HeadOp.RopeStoreKv op, DType type, boolean normed, Rows qkv) {
        Op.AttentionShape shape = op.shape();
        KvCache cache = cache(type);
        var angles = new Angles(op.rope(), TOKENS);
        var batch = new StepBatch(TOKENS, 1, 1, 1);
        batch.sequences = 1;
        angles.prepare(batch);
        var q = new float[shape.headDim()];
        var k = new float[shape.headDim()];
        for (int i = 0; i < q.length; i++) {
            q[i] = 0.5f + i / 40f;
            k[i] = 1.5f - i / 40f;
        }
        Rows out = rows(TOKENS, shape.qDim());
        Optional<RopeSite.Norms> norms = normed ? Optional.of(new RopeSite.Norms(q, k, 1e-5f)) : Optional.empty();
        Rotation rotation = kernels.rope(new RopeSite(op, out, qkv, cache, angles, norms));
        KvLayout layout = cache.layout(shape);
        Rows stored = rows(2 * TOKENS * shape.kvHeads(), shape.headDim());
        for (int t = 0; t < TOKENS; t++) {
            batch.positions[t] = t;
            angles.set(batch, 0, t);
            rotation.run(t, t, ws);
            for (int h = 0; h < shape.kvHeads(); h++) {
                var one = new float[1];
                for (int d = 0; d < shape.headDim(); d++) {
                    layout.keys(cache.memory(0), cache.keys(0, op.layer(), h, layout), d, t, 1, one);
                    stored.data().set(Rows.FLOAT, stored.row(t * shape.kvHeads() + h) + 4L * d, one[0]);
                }
                var value = new float[shape.headDim()];
                layout.value(cache.memory(0), cache.values(0, op.layer(), h, shape, layout), t, value);
                MemorySegment.copy(value, 0, stored.data(), Rows.FLOAT, stored.row((TOKENS + t) * shape.kvHeads() + h), value.length);
            }
        }
        return List.of(out, stored);
    }

    @Test
    void rotations() {
        HeadOp.RopeStoreKv first = first(HeadOp.RopeStoreKv.class);
        Rows qkv = gaussian(TOKENS, first.shape().qDim() + 2 * first.shape().kvDim());
        for (Rope.Layout layout : Rope.Layout.values()) {
            for (int dims : new int[] {first.shape().headDim(), 6}) {
                var op = new HeadOp.RopeStoreKv(first.out(), first.qkv(), first.layer(), first.shape(), TinyModels.rope(dims, layout, 1),
                        first.norm());
                for (DType type : new DType[] {DType.F32, DType.F16, DType.Q8_0}) {
                    for (boolean normed : new boolean[] {false, true}) {
                        List<Rows> want = rotated(scalar, op, type, normed, qkv);
                        for (CpuKernels kernels : tiers()) {
                            List<Rows> got = rotated(kernels, op, type, normed, qkv);
                            String what = kernels.describe() + " " + op.rope().layout() + " " + dims + " " + type + " " + normed;
                            near(want.get(0), got.get(0), TOLERANCE, what);
                            near(want.get(1), got.get(1), type == DType.F32 ? TOLERANCE : 0.02, what); // a rounding may fall the other way
                        }
                    }
                }
            }
        }
    }

    /** Attention of a step's tokens over random keys and values: chunk after chunk, or each by itself and merged. */
    private Rows attended(CpuKernels kernels, Op.PagedAttention op, KvCache cache, Rows q, boolean parts) {
        StepBatch b = TinyModels.single(Collections.nCopies(TOKENS, 1), BEFORE, BLOCK_SIZE, 1);
        var sequences = new SequenceIndex(TOKENS);
        sequences.refill(b);
        var tiles = new AttentionTiles(op, sequences, 1);
        Rows out = rows(TOKENS, op.shape().qDim());
        Attention attention = kernels.attention(new AttentionSite(op, out, q, cache, sequences, tiles, new float[0], new ChunkSums()));
        attention.reserve(tiles.units(), 2, tiles.padded(SequenceIndex.TILE));
        for (int unit = 0; unit < tiles.units(); unit++) {
            int tile = tiles.tile(unit);
            int head = tiles.head(unit);
            int from = tiles.firstChunk(b, tile);
            int to = tiles.lastChunk(b, tile);
            attention.load(b, tile, head, ws);
            for (int c = from; c <= to; c++) {
                if (parts) {
                    attention.part(b, tile, head, c, unit, c - from, ws);
                } else if (c == from) {
                    attention.first(b, tile, head, c, ws);
                } else {
                    attention.next(b, tile, head, c, ws);
                }
            }
            if (parts) {
                attention.merge(tile, head, unit, to - from + 1, ws);
            } else {
                attention.store(tile, head, ws);
            }
        }
        return out;
    }

    @Test
    void attention() {
        Op.PagedAttention first = first(Op.PagedAttention.class);
        Op.AttentionShape shape = first.shape();
        Rows q = gaussian(TOKENS, shape.qDim());
        for (DType type : new DType[] {DType.F32, DType.F16, DType.Q8_0}) {
            KvCache cache = cache(type);
            KvLayout layout = cache.layout(shape);
            var x = new float[shape.headDim()];
            for (int p = 0; p < BEFORE + TOKENS; p++) {
                for (int h = 0; h < 2 * shape.kvHeads(); h++) {
                    for (int i = 0; i < x.length; i++) {
                        x[i] = (float) random.nextGaussian();
                    }
                    int block = p / BLOCK_SIZE;
                    if (h < shape.kvHeads()) {
                        layout.storeKey(x, cache.memory(block), cache.keys(block, first.layer(), h, layout), p % BLOCK_SIZE);
                    } else {
                        layout.storeValue(x, cache.memory(block), cache.values(block, first.layer(), h - shape.kvHeads(), shape, layout),
                                p % BLOCK_SIZE);
                    }
                }
            }
            var slopes = new float[shape.heads()];
            Arrays.fill(slopes, 0.01f);
            Scores rounded = first.scores().alibi(new Scores.Alibi(slopes, 1, true));
            for (Scores scores : List.of(first.scores(), first.scores().softCap(2), rounded)) {
                for (int window : new int[] {0, 30}) {
                    var op = new Op.PagedAttention(first.out(), first.q(), first.layer(), shape, scores.window(window));
                    Rows want = attended(scalar, op, cache, q, false);
                    for (CpuKernels kernels : tiers()) {
                        String what = kernels.describe() + " " + type + ", " + op.scores();
                        Rows got = attended(kernels, op, cache, q, false);
                        near(want, got, TOLERANCE, what);
                        near(got, attended(kernels, op, cache, q, true), 0, what + ", in parts");
                        if (scores == rounded && kernels instanceof MachineTier m) {
                            near(attended(m.next(), op, cache, q, false), got, 0, what + ", handed on");
                        }
                    }
                }
            }
        }
    }
}
