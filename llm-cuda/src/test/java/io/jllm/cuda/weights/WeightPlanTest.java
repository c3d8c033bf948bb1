package io.jllm.cuda.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import io.jllm.quant.Part;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import io.jllm.spi.TinyModels;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
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

    /** Columns 0 to 63 of three rows, each of numbers one more than the row, less 9, times 2. */
    private static Grouped grouped(String name, Grouping grouping) {
        return new Grouped(name, "test", grouping, new Grouped.Numbers() {
            @Override
            public List<MemorySegment> sources() {
                return List.of();
            }

            @Override
            public void numbers(long row, byte[] to) {
                for (int c = 0; c < to.length; c++) {
                    to[c] = (byte) (c % 2 == 0 ? row + 1 : row + 2);
                }
            }

            @Override
            public void scales(long row, float[] to) {
                Arrays.fill(to, 2);
            }

            @Override
            public void zeros(long row, byte[] to) {
                Arrays.fill(to, (byte) 9);
            }
        }, 3);
    }

    /** Even columns are in one group, odd ones in another. */
    private static Grouped ordered(String name) {
        int[] groups = IntStream.range(0, 64).map(c -> c % 2).toArray();
        Grouped g = grouped(name, Grouping.of(4, 64, 32, DType.F16).ordered(groups, 2));
        return g.with(GroupedBlocks.of(g).orElseThrow());
    }

    private static WeightSource source(Program program, Map<String, Weights> packed) {
        WeightSource others = TinyModels.weights(program, 1);
        return new WeightSource() {
            @Override
            public Set<String> names() {
                return others.names();
            }

            @Override
            public Optional<Weights> find(String name) {
                return Optional.ofNullable(packed.get(name)).or(() -> others.find(name));
            }

            @Override
            public void close() {
                // the test's
            }
        };
    }

    private static Program product(Weight... weights) {
        var p = new Program.Builder();
        Value x = p.selectRows(p.embed("table", 3, 64));
        return p.build(p.linear(x, weights));
    }

    private static float[] row2(WeightPlan.Matrix m) {
        var row = new float[64];
        m.parts().getFirst().decode(2, 1, row, 0);
        return row;
    }

    /** What is in blocks stays in them; other groups become halves, and so does all where activations are floats. */
    @Test
    void packedWeightsStayPacked() {
        Program program = product(new Weight("packed", 3, Optional.empty()));
        Grouped grouped = grouped("packed", Grouping.of(4, 64, 64, DType.F16));
        GroupedBlocks blocks = GroupedBlocks.of(grouped).orElseThrow();
        Weights assembled = new Assembled("packed", List.of(blocks));
        record Case(Weights packed, boolean floats, DeviceFormat format) {
        }
        for (Case c : List.of(new Case(assembled, false, DeviceFormat.U4_64), new Case(assembled, true, DeviceFormat.F16),
                new Case(grouped, false, DeviceFormat.F16))) {
            WeightPlan.Matrix m = new WeightPlan(program, DeviceSource.of(program, source(program, Map.of("packed", c.packed)), c.floats))
                    .matrix(List.of("packed"));
            assertEquals(c.format, m.format());
            assertFalse(m.ordered());
            assertEquals(-10, row2(m)[63]);
        }
    }

    /** 8-bit floats with scales stay packed even where activations are floats, for these are what they meet, and wherever else they are read. */
    @Test
    void eightBitFloatsStayPacked() {
        Program program = product(new Weight("packed", 3, Optional.empty()));
        Map<String, Weights> packed = Map.of("packed", TinyModels.random(DType.F8_64, 3, 64, 1), "table", TinyModels.random(DType.F8_64, 3, 64, 2));
        for (boolean floats : new boolean[] {false, true}) {
            var plan = new WeightPlan(program, DeviceSource.of(program, source(program, packed), floats));
            for (String name : packed.keySet()) {
                WeightPlan.Matrix m = plan.matrix(List.of(name));
                assertEquals(DeviceFormat.F8_64, m.format());
                assertEquals(4 * 64 + 256, m.format().bytes(m.rows(), m.cols()), "values of four rows; scales, of which a plane takes 256 bytes");
            }
        }
    }

    /** Weights whose inputs beyond a magnitude are to be met as floats stay bytes in products of tokens; those of logits are halves. */
    @Test
    void weightsWithOutliers() {
        var p = new Program.Builder();
        Program program = p.build(p.selectRows(p.linear(p.embed("table", 3, 64), new Weight("packed", 3, Optional.empty()))));
        GroupedBlocks bytes = GroupedBlocks.of(new Grouped("packed", "test", Grouping.of(8, 64, 64, DType.F32), new Grouped.Numbers() {
            @Override
            public List<MemorySegment> sources() {
                return List.of();
            }

            @Override
            public void numbers(long row, byte[] to) {
                Arrays.fill(to, (byte) (128 + row));
            }

            @Override
            public void scales(long row, float[] to) {
                Arrays.fill(to, 0.3f);
            }

            @Override
            public void zeros(long row, byte[] to) {
                Arrays.fill(to, (byte) 128);
            }
        }, 3)).orElseThrow();
        for (Part part : List.of(bytes, bytes.withOutliers(6).orElseThrow())) {
            Map<String, Weights> packed = Map.of("packed", new Assembled("packed", List.of(part)));
            var plan = new WeightPlan(program, DeviceSource.of(program, source(program, packed), false));
            WeightPlan.Matrix m = plan.matrix(List.of("packed"));
            assertEquals(DeviceFormat.S8_64, m.format());
            assertEquals(part == bytes ? 0 : 6, m.outliers());
            assertEquals(part == bytes ? 0 : 64, plan.mostOutlierCols());
            Program logits = product(new Weight("packed", 3, Optional.empty()));
            assertEquals(part == bytes ? DeviceFormat.S8_64 : DeviceFormat.F16,
                    new WeightPlan(logits, DeviceSource.of(logits, source(logits, packed), false)).matrix(List.of("packed")).format());
        }
    }

    /** Columns that are in groups one by one stand group after group, behind them their order; what others than products read does not. */
    @Test
    void columnsStandInTheOrderOfTheirGroups() {
        Program program = product(new Weight("a", 3, Optional.empty()), new Weight("b", 3, Optional.empty()), new Weight("c", 3, Optional.empty()));
        Map<String, Weights> packed = Map.of("table", ordered("table"), "a", ordered("a"), "b", ordered("b"), "c",
                new Assembled("c", List.of(GroupedBlocks.of(grouped("c", Grouping.of(4, 64, 32, DType.F16))).orElseThrow())));
        var plan = new WeightPlan(program, DeviceSource.of(program, source(program, packed), false));
        assertEquals(List.of(List.of("a", "b"), List.of("c")),
                plan.runs((Op.Linear) program.ops().getLast()).stream().map(run -> run.stream().map(Weight::name).toList()).toList());
        WeightPlan.Matrix table = plan.matrix(List.of("table"));
        assertEquals(DeviceFormat.F16, table.format());
        assertFalse(table.ordered());
        WeightPlan.Matrix m = plan.matrix(List.of("a", "b"));
        assertEquals(DeviceFormat.U4_32, m.format());
        assertArrayEquals(IntStream.concat(IntStream.range(0, 32).map(i -> 2 * i), IntStream.range(0, 32).map(i -> 2 * i + 1)).toArray(), m.order());
        assertEquals(-12, row2(m)[31]);
        assertEquals(-10, row2(m)[32]);
        assertEquals(m.at() + m.format().bytes(6, 64), m.orderAt());
        assertEquals(64, plan.mostOrderedCols());
        assertEquals(m.orderAt() + 256, plan.matrix(List.of("c")).at());
        assertEquals(0, new WeightPlan(program, TinyModels.weights(program, 1)).mostOrderedCols());
    }
}
