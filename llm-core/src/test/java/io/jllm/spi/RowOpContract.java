package io.jllm.spi;

import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.quant.DType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Layer norms, activations, sums and positions, against the oracle. */
public abstract class RowOpContract extends OpContract {
    private static final int[] WIDTHS = {1, 3, 4, 5, 15, 16, 17, 31, 33, 64, 100, 257};

    @Test
    void layerNormWithAndWithoutWeightAndBias() {
        for (int width : WIDTHS) {
            for (int i = 0; i < 4; i++) {
                Optional<String> weight = i % 2 == 0 ? Optional.of("norm") : Optional.empty();
                Optional<String> bias = i < 2 ? Optional.of("bias") : Optional.empty();
                var p = new Program.Builder();
                Program program = p.build(p.selectRows(p.layerNorm(p.embed("table", 9, width), weight, bias, 0.01f)));
                run(program, numbers(program, 3, width), 16, ROW_STEPS.subList(0, 3), 3 * tolerance());
            }
        }
    }

    /** As in every model: a mean that is large beside the deviation must not cost more digits than it has to. */
    @Test
    void layerNormOfNumbersFarFromZero() {
        for (int width : new int[] {16, 100, 768}) {
            var p = new Program.Builder();
            Program program = p.build(p.selectRows(p.layerNorm(p.embed("table", 9, width), Optional.of("norm"), Optional.of("bias"), EPS)));
            var tensors = new LinkedHashMap<>(numbers(program, 1, width).tensors());
            float[] values = ReferenceRunner.floats(tensors.get("table"));
            for (int i = 0; i < values.length; i++) {
                values[i] += 20;
            }
            tensors.put("table", TinyModels.tensor("table", DType.F32, 9, width, values));
            run(program, new TinyModels.MemoryWeights(tensors), 16, ROW_STEPS.subList(0, 2), 20 * tolerance());
        }
    }

    @Test
    void activationsOfSmallAndLargeNumbers() {
        for (Op.Activation kind : Op.Activation.values()) {
            for (int width : new int[] {7, 16, 33, 100, 4099}) {
                for (float size : new float[] {1e-3f, 1, 5, 300}) {
                    if (kind != Op.Activation.SWIGLU_OAI) {
                        var p = new Program.Builder();
                        Program program = p.build(p.selectRows(p.act(p.embed("table", 7, width), kind)));
                        run(program, numbers(program, size, width), 16, ROW_STEPS.subList(0, 2), 2 * tolerance());
                    }
                }
            }
        }
    }

    @Test
    void sumsWithFactorsAndGates() {
        for (int width : WIDTHS) {
            for (float scale : new float[] {1, -0.22f, 3}) {
                var p = new Program.Builder();
                Value a = p.embed("table", 7, width);
                Value b = p.rmsNorm(a, "norm", EPS);
                Program program = p.build(p.selectRows(p.add(a, b, scale)));
                run(program, numbers(program, 2, width), 16, ROW_STEPS, 2 * tolerance());
            }
            var p = new Program.Builder();
            Value a = p.embed("table", 7, width);
            Value b = p.rmsNorm(a, "norm", EPS);
            Value gate = p.linear(a, weight("gate", 1));
            Program program = p.build(p.addGated(p.selectRows(a), p.selectRows(b), p.selectRows(gate)));
            run(program, numbers(program, 2, width), 16, ROW_STEPS, 3 * tolerance());
        }
    }

    @Test
    void factorsAndSoftCaps() {
        for (int width : new int[] {1, 7, 16, 33, 100, 4099}) {
            for (float size : new float[] {1e-3f, 0.3f, 5, 300}) {
                for (float cap : new float[] {0, 0.5f, 30}) {
                    var p = new Program.Builder();
                    Program program = p.build(p.selectRows(p.scale(p.embed("table", 7, width), 1.7f, cap)));
                    run(program, numbers(program, size, width), 16, ROW_STEPS.subList(0, 2), 2 * tolerance());
                }
            }
        }
    }

    @Test
    void positionsFromTablesOfEveryFormat() {
        for (DType type : formats()) {
            for (int offset : new int[] {0, 2}) {
                int width = widths(type)[1];
                var p = new Program.Builder();
                Value x = p.embed("table", width, width);
                Program program = p.build(p.selectRows(p.addPositions(x, "positions", 60, offset)));
                run(program, Oracle.weights(program, type), 3, MIXED_STEPS, 2 * tolerance());
            }
        }
    }

    /** Random numbers of about that size in the table, all else as usual. */
    static TinyModels.MemoryWeights numbers(Program program, float size, long seed) {
        var tensors = new LinkedHashMap<>(TinyModels.weights(program, 3).tensors());
        var table = tensors.get("table");
        var values = new float[Math.toIntExact(table.rows() * table.cols())];
        var random = new Random(seed);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian() * size;
        }
        tensors.put("table", TinyModels.tensor("table", DType.F32, table.rows(), table.cols(), values));
        return new TinyModels.MemoryWeights(tensors);
    }

    /** Steps of one sequence that a test of rows takes: a single token, and some. */
    static List<int[]> few() {
        return ROW_STEPS.subList(0, 4);
    }
}
