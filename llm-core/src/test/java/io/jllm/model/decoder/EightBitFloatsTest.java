package io.jllm.model.decoder;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.model.MapWeights;
import io.jllm.quant.Assembled;
import io.jllm.quant.DType;
import io.jllm.quant.Rounded;
import io.jllm.quant.Scaled;
import io.jllm.quant.Tensor;
import io.jllm.quant.Weights;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** 8-bit floats in blocks where programs want single values, or other types beside them: these are BF16; and where they do not: those stay packed. */
class EightBitFloatsTest {
    private static Weights eight(String name, int rows) {
        var bytes = new byte[rows * 128];
        var random = new Random(name.hashCode());
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) random.nextInt(0x7f);
        }
        var values = new Tensor(name, DType.F8_E4M3, rows, 128, MemorySegment.ofArray(bytes));
        var scales = new Tensor(name + "_scale", DType.F32, 1, 1, MemorySegment.ofArray(new float[] {0.013f}));
        return new Assembled(name, List.of(new Scaled(values, scales, 1, rows, 128)));
    }

    private static float[] values(Weights w) {
        var all = new float[(int) (w.rows() * w.cols())];
        w.decode(0, (int) w.rows(), all, 0);
        return all;
    }

    @Test
    void singleValues() {
        Weights w = eight("w", 70);
        float[] rounded = values(Rounded.apart(w));
        Weights transposed = Rows.transposed(w);
        assertEquals("BF16", transposed.format());
        float[] got = values(transposed);
        for (int r = 0; r < 70; r++) {
            for (int c = 0; c < 128; c++) {
                assertEquals(rounded[r * 128 + c], got[c * 70 + r], "row " + r + ", column " + c);
            }
        }
        assertEquals("BF16", Rows.normalised(w).format());
    }

    @Test
    void experts() {
        String first = "blk.0.ffn_up.0.weight";
        String second = "blk.0.ffn_up.1.weight";
        Weights packed = ExpertWeights.stacked(new MapWeights().put(eight(first, 8)).put(eight(second, 8)), 2)
                .get("blk.0.ffn_up_exps.weight");
        assertEquals("F8_64", packed.format());
        float[] all = values(packed);
        assertArrayEquals(values(eight(second, 8)), Arrays.copyOfRange(all, 8 * 128, 16 * 128));
        Weights plain = Rounded.of(eight(second, 8), DType.BF16);
        Weights mixed = ExpertWeights.stacked(new MapWeights().put(eight(first, 8)).put(plain), 2).get("blk.0.ffn_up_exps.weight");
        assertEquals("BF16", mixed.format());
        all = values(mixed);
        assertArrayEquals(values(Rounded.apart(eight(first, 8))), Arrays.copyOfRange(all, 0, 8 * 128));
        assertArrayEquals(values(plain), Arrays.copyOfRange(all, 8 * 128, 16 * 128));
    }
}
