package io.jllm.cuda.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.model.ExpertOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.quant.Assembled;
import io.jllm.quant.DType;
import io.jllm.quant.Grouped;
import io.jllm.quant.GroupedBlocks;
import io.jllm.quant.Grouping;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import io.jllm.spi.TinyModels;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Needs no device. */
class WeightPlanTest {
    private static final Op.AttentionShape SHAPE = new Op.AttentionShape(2, 1, 8);

    private static Value layer(Program.Builder p, Value x, int layer, Rope rope) {
        Value qkv = p.linear(x, new Weight("qkv" + layer, SHAPE.qDim() + 2 * SHAPE.kvDim(), Optional.empty()));
        return p.attention(p.ropeStoreKv(qkv, layer, SHAPE, rope, Optional.empty()), layer, SHAPE, 0);
    }

    @Test
    void frequenciesOfSeveralRotationsStandThereOnceEach() {
        Rope one = TinyModels.rope(8, Rope.Layout.NEOX, 1);
        Rope other = new Rope(4, Rope.Layout.NEOX, new float[] {1, 0.5f}, 1);
        var p = new Program.Builder();
        Value x = p.embed("table", 10, 16);
        x = layer(p, x, 0, one);
        x = layer(p, x, 1, other);
        x = layer(p, x, 2, TinyModels.rope(8, Rope.Layout.NEOX, 1));
        Program program = p.build(p.selectRows(x));
        var plan = new WeightPlan(program, TinyModels.weights(program, 1));
        assertNotEquals(plan.frequencyOffset(one), plan.frequencyOffset(other));
        assertEquals(plan.frequencyOffset(one), plan.frequencyOffset(TinyModels.rope(8, Rope.Layout.NEOX, 1)));
        assertEquals(2 * 64, plan.vectorFloats().length, "two places of 64 floats");
        for (Rope rope : List.of(one, other)) {
            int at = (int) (plan.frequencyOffset(rope) - plan.matrixBytes()) / Float.BYTES;
            assertEquals(Arrays.toString(rope.invFreq()), Arrays.toString(Arrays.copyOfRange(plan.vectorFloats(), at, at + rope.invFreq().length)));
        }
    }

    @Test
    void weightsInSeveralPlacesAreOneMatrixAndTheirBiasesOneVector() {
        var p = new Program.Builder();
        Value x = p.embed("table", 10, 16);
        Value route = p.route(p.linear(x, new Weight("router", 3, Optional.empty())), 2, new ExpertOp.Scoring.Softmax(), Optional.empty(),
                Optional.empty(), true, 1);
        Program program = p.build(p.selectRows(p.expertLinear(x, route, 3, true, new Weight("experts", 5, Optional.of("bias")))));
        var weights = TinyModels.weights(program, 1);
        Tensor whole = weights.tensors().get("experts");
        WeightSource apart = new WeightSource() {
            @Override
            public Set<String> names() {
                return weights.names();
            }

            @Override
            public Optional<Weights> find(String name) { // made anew each time, as sources may
                return name.equals("experts") ? Optional.of(new Assembled(name, List.of(whole.rows("a", 0, 5), whole.rows("b", 5, 15))))
                        : weights.find(name);
            }

            @Override
            public void close() {
                // the test's
            }
        };
        var plan = new WeightPlan(program, apart);
        WeightPlan.Matrix m = plan.matrix(List.of("experts"));
        assertEquals(15, m.rows());
        assertEquals(m, plan.matrix(List.of("experts")));
        assertEquals(plan.matrixBytes(), new WeightPlan(program, weights).matrixBytes());
        int at = (int) (plan.vectorOffset("bias") - plan.matrixBytes()) / Float.BYTES;
        var bias = new float[15];
        weights.tensors().get("bias").decode(0, 3, bias, 0);
        assertArrayEquals(bias, Arrays.copyOfRange(plan.vectorFloats(), at, at + 15));
    }

    /** Numbers in groups, which no file has, lie on the device as what they are read as. */
    @Test
    void packedWeightsAreReadAsTypesOfFiles() {
        var p = new Program.Builder();
        Value x = p.embed("table", 10, 64);
        Program program = p.build(p.linear(p.selectRows(x), new Weight("packed", 3, Optional.empty())));
        var numbers = new Grouped.Numbers() {
            @Override
            public void numbers(long row, byte[] to) {
                Arrays.fill(to, (byte) (row + 1));
            }

            @Override
            public void scales(long row, float[] to) {
                Arrays.fill(to, 2);
            }

            @Override
            public void zeros(long row, byte[] to) {
                Arrays.fill(to, (byte) 9);
            }
        };
        var weights = TinyModels.weights(program, 1);
        var grouped = new Grouped("packed", "test", Grouping.of(4, 64, 64, DType.F16), numbers, 3);
        for (Weights packed : List.of(grouped, new Assembled("packed", List.of(GroupedBlocks.of(grouped).orElseThrow())))) {
            WeightSource source = new WeightSource() {
                @Override
                public Set<String> names() {
                    return weights.names();
                }

                @Override
                public Optional<Weights> find(String name) {
                    return name.equals("packed") ? Optional.of(packed) : weights.find(name);
                }

                @Override
                public void close() {
                    // the test's
                }
            };
            WeightPlan.Matrix m = new WeightPlan(program, new DeviceSource(source)).matrix(List.of("packed"));
            assertEquals(packed == grouped ? DeviceFormat.F16 : DeviceFormat.Q5_0, m.format());
            var row = new float[64];
            m.parts().getFirst().decode(2, 1, row, 0);
            assertEquals(-12, row[63]);
        }
    }
}
