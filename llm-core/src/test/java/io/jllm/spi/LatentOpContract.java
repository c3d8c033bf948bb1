package io.jllm.spi;

import io.jllm.model.LatentOp;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.quant.DType;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Latent attention and products of heads, against the oracle. */
public abstract class LatentOpContract extends ExpertOpContract {
    @Test
    void queriesKeysAndValuesOfEveryFormat() {
        for (DType type : formats()) {
            int block = type.blockElements();
            int[][] shapes = block == 1 ? new int[][] {{1, 3, 2, 5}, {3, 20, 6, 17}, {4, 64, 16, 32}}
                    : new int[][] {{2, 40, 8, block}, {5, 16, 4, block}};
            for (int[] s : shapes) {
                var shape = new LatentOp.LatentShape(s[0], s[1], s[2], s[3]);
                var p = new Program.Builder();
                Value x = p.embed("table", 9, 32);
                Value q = p.linear(x, weight("q", shape.heads() * (shape.nope() + shape.rope())));
                Value kv = p.linear(x, weight("kv", shape.latent() + shape.rope()));
                Program program = p.build(p.selectRows(p.latentQkv(q, kv, "keys", shape, "norm", 1e-3f)));
                var weights = Oracle.weights(program, type);
                run(program, weights, 16, ROW_STEPS, 4 * tolerance() + 2 * either(type));
            }
        }
    }

    @Test
    void productsOfHeadsInEveryFormat() {
        for (DType type : formats()) {
            int cols = type.blockElements() == 1 ? 19 : type.blockElements();
            for (int heads : new int[] {1, 3}) {
                for (int rows : new int[] {3, 5, 16, 40}) {
                    for (int skip : new int[] {0, 6}) {
                        var p = new Program.Builder();
                        Value x = p.embed("table", 9, heads * (skip + cols));
                        Program program = p.build(p.headLinear(p.selectRows(x), "w", heads, rows, skip));
                        run(program, weights(program, type), 16, ROW_STEPS, 3 * tolerance() + approximated(type));
                    }
                }
            }
        }
    }

    @Test
    void wholeLatentAttention() {
        for (DType type : List.of(DType.F32, DType.F16, DType.Q8_0, DType.Q4_0)) {
            for (DType kvType : kvTypes()) {
                Program program = TinyModels.latent(40, 64, 1);
                try (Backend backend = open(2)) {
                    Oracle.compare(backend, program, weights(program, type), 7, kvType, MIXED_STEPS,
                            10 * tolerance() + 8 * either(type) + 2 * either(kvType, 80), this::quantises);
                }
            }
        }
    }
}
