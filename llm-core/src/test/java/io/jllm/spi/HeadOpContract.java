package io.jllm.spi;

import io.jllm.model.HeadOp;
import io.jllm.model.HeadOp.HeadNorm;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.quant.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Norms, rotations and attention of all kinds, against the oracle. */
public abstract class HeadOpContract extends RowOpContract {
    private static final int[][] SHAPES = {{1, 1, 4}, {4, 2, 6}, {3, 3, 20}, {4, 1, 33}, {6, 2, 64}};

    @Test
    void normsOfHeadsOfEveryKindAndScope() {
        for (int[] dims : SHAPES) {
            var shape = new Op.AttentionShape(dims[0], dims[1], dims[2]);
            for (HeadOp.Kind kind : HeadOp.Kind.values()) {
                for (HeadOp.Scope scope : HeadOp.Scope.values()) {
                    for (int i = 0; i < 4; i++) {
                        Optional<String> weight = i % 2 == 0 ? Optional.of("norm") : Optional.empty();
                        Optional<String> bias = i < 2 ? Optional.of("bias") : Optional.empty();
                        var q = new HeadNorm(kind, scope, weight.map(n -> "q." + n), bias.map(n -> "q." + n), 1e-3f);
                        var k = new HeadNorm(kind, scope, weight.map(n -> "k." + n), bias.map(n -> "k." + n), 1e-5f);
                        normed(shape, Optional.of(q), Optional.of(k), i == 0 ? 1.25f : 0);
                        normed(shape, i == 1 ? Optional.of(q) : Optional.empty(), i == 2 ? Optional.of(k) : Optional.empty(), i == 3 ? 0.75f : 0);
                    }
                }
            }
        }
    }

    private void normed(Op.AttentionShape shape, Optional<HeadNorm> q, Optional<HeadNorm> k, float clip) {
        var p = new Program.Builder();
        Program program = p.build(p.selectRows(p.normHeads(p.embed("table", 5, shape.qkvDim()), shape, q, k, clip)));
        run(program, numbers(program, 1.5f, shape.headDim()), 16, few(), 3 * tolerance());
    }

    @Test
    void rotationOfBothLayoutsWholeAndPartial() {
        for (Rope.Layout layout : Rope.Layout.values()) {
            for (int[] dims : new int[][] {{2, 2}, {6, 6}, {16, 16}, {20, 12}, {64, 64}, {80, 32}}) {
                var shape = new Op.AttentionShape(4, 2, dims[0]);
                var p = new Program.Builder();
                Value qkv = p.embed("table", 5, shape.qkvDim());
                Program program = p.build(p.selectRows(p.rotate(qkv, shape, TinyModels.rope(dims[1], layout, 1.25f))));
                run(program, numbers(program, 1, dims[0]), 7, MIXED_STEPS, 2 * tolerance());
            }
        }
    }

    @Test
    void longTextsRotateOtherwise() {
        float[] other = Rope.frequencies(12, 500);
        int above = PagedSequences.ROPE_LENGTH * 3 / 2;
        for (Rope.Longer longer : List.of(new Rope.Longer.Switched(above, other, 1.5f), new Rope.Longer.Dynamic(above, 12, 10_000, 4, 1))) {
            var rope = new Rope(12, Rope.Layout.NEOX, Rope.frequencies(12, 10_000), 1.1f, Optional.of(longer));
            var shape = new Op.AttentionShape(4, 2, 16);
            var p = new Program.Builder();
            Value rotated = p.rotate(p.embed("table", 5, shape.qkvDim()), shape, rope);
            Program program = p.build(p.selectRows(p.ropeStoreKv(rotated, 0, shape, rope, Optional.empty())));
            run(program, numbers(program, 1, 3), 7, MIXED_STEPS, 2 * tolerance());
            var a = new Program.Builder();
            Value q = a.ropeStoreKv(a.embed("table", 5, shape.qkvDim()), 0, shape, rope, Optional.empty());
            Program attention = a.build(a.selectRows(a.attention(q, 0, shape, 0)));
            run(attention, numbers(attention, 1, 3), 7, MIXED_STEPS, 5 * tolerance());
        }
    }

    @Test
    void queriesGrowWithThePosition() {
        for (int width : new int[] {1, 7, 16, 33, 100}) {
            var p = new Program.Builder();
            Value x = p.scaleQueries(p.embed("table", 5, width), 0.1f, 4, 1);
            Program program = p.build(p.selectRows(p.scaleQueries(x, 1.5f, 16, 0)));
            run(program, numbers(program, 1, width), 7, MIXED_STEPS, 2 * tolerance());
        }
    }

    /** All that scores may ask for, alone and together. */
    private static List<Scores> scores(Op.AttentionShape shape) {
        var slopes = new float[shape.heads()];
        for (int h = 0; h < slopes.length; h++) {
            slopes[h] = (float) Math.pow(2, -1 - 7.0 * h / slopes.length);
        }
        var all = new ArrayList<Scores>();
        Scores plain = Scores.of(shape.headDim());
        for (Scores s : List.of(plain, plain.softCap(0.7f))) {
            all.add(s.chunks(5));
            all.add(s.chunks(16));
            all.add(s.sinks("sinks"));
            all.add(s.window(6).sinks("sinks"));
            all.add(s.alibi(new Scores.Alibi(slopes, 1, false)));
            all.add(s.alibi(new Scores.Alibi(slopes, 0.125f, true)));
            all.add(s.chunks(11).alibi(new Scores.Alibi(slopes, 0.5f, false)).sinks("sinks"));
        }
        return all;
    }

    @Test
    void attentionWithChunkedWindowsBiasesAndSinks() {
        int[] blockSizes = {16, 1, 3, 17, 64};
        for (int i = 0; i < SHAPES.length; i++) {
            var shape = new Op.AttentionShape(SHAPES[i][0], SHAPES[i][1], SHAPES[i][2]);
            for (Scores s : scores(shape)) {
                attention(shape, s, blockSizes[i], DType.F32, MIXED_STEPS, 5 * tolerance());
            }
        }
    }

    @Test
    void theSameOverManyPositions() {
        List<int[]> steps = List.of(new int[] {150, 3}, new int[] {100, 60}, new int[] {1, 1}, new int[] {20, 140}, new int[] {1, 1},
                new int[] {150, 9}, new int[] {1, 1});
        var shape = new Op.AttentionShape(6, 2, 16);
        for (DType type : kvTypes()) {
            for (Scores s : scores(shape)) {
                Scores scores = s.window() == 0 ? s : s.chunked() ? s.chunks(270) : s.window(270);
                attention(shape, scores, 16, type, type == DType.F32 ? steps : MIXED_STEPS, 6 * tolerance() + either(type, 16));
            }
        }
    }

    private void attention(Op.AttentionShape shape, Scores scores, int blockSize, DType kvType, List<int[]> steps, double tolerance) {
        var p = new Program.Builder();
        Value qkv = p.embed("table", 50, shape.qkvDim());
        Value q = p.ropeStoreKv(qkv, 0, shape, TinyModels.rope(shape.headDim() / 2 * 2, Rope.Layout.NEOX, 1), Optional.empty());
        Program program = p.build(p.selectRows(p.attention(q, 0, shape, scores)));
        var tensors = new LinkedHashMap<>(numbers(program, 1, 2).tensors());
        var random = new Random(5);
        var sinks = new float[shape.heads()];
        for (int h = 0; h < sinks.length; h++) {
            sinks[h] = (float) random.nextGaussian() * 4;
        }
        tensors.put("sinks", TinyModels.tensor("sinks", DType.F32, 1, sinks.length, sinks));
        try (Backend backend = open(2)) {
            Oracle.compare(backend, program, new TinyModels.MemoryWeights(tensors), blockSize, kvType, steps, tolerance, this::quantises);
        }
    }
}
