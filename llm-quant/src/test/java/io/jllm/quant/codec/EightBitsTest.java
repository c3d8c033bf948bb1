package io.jllm.quant.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.Hex;
import io.jllm.quant.gguf.GgufWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class EightBitsTest {
    @Test
    void everyByte() throws IOException {
        List<String> lines;
        try (var in = EightBitsTest.class.getResourceAsStream("eight.txt")) {
            lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().filter(l -> !l.startsWith("#")).toList();
        }
        byte[] all = new byte[256];
        for (int i = 0; i < 256; i++) {
            all[i] = (byte) i;
        }
        var seen = EnumSet.noneOf(DType.class);
        for (String line : lines) {
            DType type = DType.valueOf(line.substring(0, line.indexOf(' ')));
            seen.add(type);
            float[] want = Hex.floats(line.substring(line.indexOf(' ') + 1));
            float[] have = Hex.decode(type, all);
            for (int i = 0; i < 256; i++) {
                assertTrue(Float.isNaN(want[i]) ? Float.isNaN(have[i]) : Float.floatToIntBits(want[i]) == Float.floatToIntBits(have[i]),
                        type + " byte " + i + " is " + have[i] + ", must be " + want[i]);
            }
            assertTrue(Encoder.of(type).isEmpty());
            assertEquals(-1, type.ggmlId());
            Codec codec = Codec.of(type).orElseThrow();
            assertEquals(type, codec.type());
            float[] dst = {1, 1};
            var src = MemorySegment.ofArray(new byte[2]);
            assertThrows(IndexOutOfBoundsException.class, () -> codec.decode(src, 1, dst, 0, 2));
            assertThrows(IndexOutOfBoundsException.class, () -> codec.decode(src, 0, dst, 1, 2));
            assertEquals(1, dst[0]);
        }
        assertEquals(EnumSet.of(DType.F8_E4M3, DType.F8_E5M2, DType.F8_E8M0), seen);
        assertTrue(DType.ofGgml(-1).isEmpty());
        var e = assertThrows(IllegalArgumentException.class, () -> new GgufWriter.TensorEntry("a", DType.F8_E4M3, List.of(4L), out -> { }));
        assertTrue(e.getMessage().contains("F8_E4M3, which GGUF files do not have"), e.getMessage());
    }

    /** Every number that GGUF files have used; those of llama.cpp's first formats were gone before there were GGUF files. */
    @Test
    void everyGgufTypeIsKnown() {
        for (int id = 0; id <= 42; id++) {
            int number = id;
            assertEquals(id != 4 && id != 5, DType.ofGgml(id).filter(t -> t.ggmlId() == number && t.blockBytes() > 0).isPresent(), "type " + id);
        }
        assertTrue(DType.ofGgml(43).isEmpty());
    }
}
