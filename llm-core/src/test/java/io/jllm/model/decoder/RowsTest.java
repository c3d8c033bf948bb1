package io.jllm.model.decoder;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.model.MapWeights;
import io.jllm.model.Op;
import io.jllm.quant.Assembled;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.FormatException;
import io.jllm.quant.Tensor;
import io.jllm.quant.Weights;
import java.lang.foreign.Arena;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RowsTest {
    /** Four query heads of two rows, and two key and value heads: q0 q1 k0 v0, then q2 q3 k1 v1. */
    private static final Op.AttentionShape SHAPE = new Op.AttentionShape(4, 2, 2);
    private static final float[] ORDER = {0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15};

    @Test
    void rowsOfGroups() {
        var fused = tensor(DType.F32, 16, 3, i -> i / 3);
        var ungrouped = Rows.ungrouped(fused, SHAPE);
        assertTrue(ungrouped instanceof Assembled, "without a copy");
        assertEquals(16, ungrouped.rows());
        for (int r = 0; r < 16; r++) {
            assertArrayEquals(new float[] {ORDER[r], ORDER[r], ORDER[r]}, values(ungrouped, r, 1), "row " + r);
        }
        assertArrayEquals(new float[] {4, 4, 4, 5, 5, 5, 12, 12, 12, 13, 13, 13}, values(Rows.ungrouped(fused, "k", SHAPE, Rows.Part.K), 0, 4));
        assertEquals("k", Rows.ungrouped(fused, "k", SHAPE, Rows.Part.K).name());
    }

    @Test
    void biasesOfGroups() {
        var bias = Rows.ungrouped(tensor(DType.F32, 1, 16, i -> i), SHAPE);
        assertEquals(1, bias.rows());
        assertArrayEquals(ORDER, values(bias, 0, 1));
    }

    @Test
    void wrongRowsAreNamed() {
        var e = assertThrows(FormatException.class, () -> Rows.ungrouped(tensor(DType.F32, 12, 3, i -> i), SHAPE));
        assertTrue(e.getMessage().contains("has 12 rows; q, k and v of 4 and 2 heads of 2 have 16"), e.getMessage());
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16"})
    void transposes(DType type) {
        int rows = 70;
        int cols = 131;
        var t = Rows.transposed(tensor(type, rows, cols, i -> i % 127));
        assertEquals(cols, t.rows());
        assertEquals(rows, t.cols());
        var got = values(t, 0, cols);
        for (int c = 0; c < cols; c++) {
            for (int r = 0; r < rows; r++) {
                assertEquals((r * cols + c) % 127, got[c * rows + r], "row " + r + ", column " + c);
            }
        }
    }

    @Test
    void rowsOfLengthOne() {
        var w = Rows.normalised(tensor(DType.F32, 3, 2, i -> new float[] {3, 4, 0, 0, -5, 12}[i]));
        assertArrayEquals(new float[] {0.6f, 0.8f, 0, 0, -5 / 13f, 12 / 13f}, values(w, 0, 3), 1e-7f);
        assertEquals("BF16", Rows.normalised(tensor(DType.BF16, 1, 2, i -> i + 1)).format());
    }

    @Test
    void madeOnce() {
        var source = new MapWeights().put("a", 1, 2).put("b", 3, 4);
        var made = new MadeWeights(source, (all, name) -> name.equals("c")
                ? all.find("a").map(w -> Rows.transposed(w).named("c")) : Optional.empty());
        assertSame(made.get("c"), made.get("c"));
        assertSame(source.get("b"), made.get("b"));
        assertEquals(source.names(), made.names());
        assertEquals(Optional.empty(), made.find("d"));
    }

    private interface Values {
        float at(int index);
    }

    private static Tensor tensor(DType type, int rows, int cols, Values values) {
        var all = new float[rows * cols];
        IntStream.range(0, all.length).forEach(i -> all[i] = values.at(i));
        var data = Arena.ofAuto().allocate(type.bytes(all.length));
        Encoder.of(type).orElseThrow().encode(all, 0, all.length, data, 0);
        return new Tensor("fused", type, rows, cols, data);
    }

    private static float[] values(Weights w, long row, int count) {
        var out = new float[Math.toIntExact(count * w.cols())];
        w.decode(row, count, out, 0);
        return out;
    }
}
