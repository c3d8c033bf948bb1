package io.jllm.quant.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.Hex;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class CodecTest {
    private static final Set<DType> READ = EnumSet.of(DType.F32, DType.F16, DType.BF16, DType.Q4_0, DType.Q4_1, DType.Q5_0, DType.Q5_1,
            DType.Q8_0, DType.Q2_K, DType.Q3_K, DType.Q4_K, DType.Q5_K, DType.Q6_K, DType.IQ1_S, DType.IQ1_M, DType.IQ2_XXS, DType.IQ2_XS,
            DType.IQ2_S, DType.IQ3_XXS, DType.IQ3_S, DType.IQ4_NL, DType.IQ4_XS, DType.TQ1_0, DType.TQ2_0, DType.MXFP4);
    private static final Set<DType> WRITTEN = EnumSet.complementOf(EnumSet.of(DType.IQ1_S, DType.IQ1_M, DType.IQ2_XXS, DType.IQ2_XS,
            DType.IQ2_S, DType.IQ3_XXS, DType.IQ3_S));

    @Test
    void tablesHoldWhatTheyShould() {
        for (DType t : DType.values()) {
            if (t.ggmlId() < 0) {
                continue; // see EightBitsTest
            }
            assertEquals(READ.contains(t), Codec.of(t).isPresent(), "codec of " + t);
            assertEquals(READ.contains(t) && WRITTEN.contains(t), Encoder.of(t).isPresent(), "encoder of " + t);
            Codec.of(t).ifPresent(c -> assertEquals(t, c.type()));
            Encoder.of(t).ifPresent(e -> assertEquals(t, e.type()));
        }
    }

    @Test
    void ownGoldenBlocks() throws IOException {
        var seen = EnumSet.noneOf(DType.class);
        for (String line : resource("golden.txt")) {
            String[] part = line.split(" ");
            DType type = DType.valueOf(part[0]);
            seen.add(type);
            byte[] stored = Hex.bytes(part[2]);
            assertBitwise(Hex.floats(part[3]), Hex.decode(type, stored), type + " decoded");
            if (!part[1].equals("-")) {
                assertArrayEquals(stored, Hex.encode(type, Hex.floats(part[1])), type + " encoded");
            }
        }
        assertEquals(READ, seen);
    }

    @Test
    void blocksOfGgml() throws IOException {
        Path file = Path.of(System.getProperty("jllm.shared", ""), "vectors", "ggml_quant_vectors.json");
        assumeTrue(!System.getProperty("jllm.shared", "").isEmpty() && Files.exists(file),
                "needs vectors/ggml_quant_vectors.json under -Djllm.shared");
        JsonObject all = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
        int decoded = 0;
        int encoded = 0;
        for (JsonElement e : all.getAsJsonArray("cases")) {
            JsonObject c = e.getAsJsonObject();
            DType type = DType.valueOf(c.get("type").getAsString());
            String name = type + " " + c.get("kind").getAsString();
            byte[] stored = Hex.bytes(c.get("quantized_hex").getAsString());
            if (READ.contains(type)) {
                assertBitwise(Hex.floats(c.get("dequantized_f32_hex").getAsString()), Hex.decode(type, stored), name);
                decoded++;
            }
            if (WRITTEN.contains(type) && c.has("input_f32_hex") && !c.get("input_f32_hex").isJsonNull()) {
                assertArrayEquals(stored, Hex.encode(type, Hex.floats(c.get("input_f32_hex").getAsString())), name);
                encoded++;
            }
        }
        assertEquals(10 * 4, decoded);
        assertEquals(10 * 3, encoded);
    }

    /** Bounds from the steps of each format, for values of normal distribution and of scales far apart. */
    @ParameterizedTest
    @CsvSource({"F32, 0", "F16, 0.00049", "BF16, 0.0040", "Q8_0, 0.0046", "Q6_K, 0.04", "Q5_1, 0.034", "Q5_0, 0.065",
        "Q4_1, 0.07", "Q4_0, 0.14", "Q3_K, 0.26", "Q2_K, 0.5", "Q4_K, 0.1", "Q5_K, 0.06", "IQ4_NL, 0.14", "IQ4_XS, 0.16", "TQ1_0, 0.51",
        "TQ2_0, 0.51", "MXFP4, 0.26"})
    void encodingLosesLittle(DType type, double bound) {
        var random = new Random(7);
        for (float scale : new float[] {0.02f, 1, 300}) {
            float[] x = new float[1024];
            for (int i = 0; i < x.length; i++) {
                x[i] = scale * (float) random.nextGaussian();
            }
            float[] y = Hex.decode(type, Hex.encode(type, x));
            for (int b = 0; b < x.length; b += type.blockElements()) {
                double peak = 0;
                for (int i = b; i < b + type.blockElements(); i++) {
                    peak = Math.max(peak, Math.abs(x[i]));
                }
                for (int i = b; i < b + type.blockElements(); i++) {
                    // half precision has an absolute step of 2^-24 below its normal range
                    assertEquals(x[i], y[i], bound * peak + (bound == 0 ? 0 : 6e-8), type + " value " + i + " of scale " + scale);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
        "IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0", "MXFP4"})
    void zerosAndTinyValuesStayFinite(DType type) {
        for (float value : new float[] {0, -0f, 1e-30f, Float.MIN_VALUE, -1e-42f}) {
            float[] x = new float[256];
            x[17] = value;
            for (float y : Hex.decode(type, Hex.encode(type, x))) {
                assertEquals(0, y, 1e-29f, type + " of " + value);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
        "IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0"})
    void blocksRefuseWhatTheyCannotHold(DType type) {
        for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 1e30f, -3e38f}) {
            float[] x = new float[256];
            x[200] = value;
            var e = assertThrows(IllegalArgumentException.class, () -> Hex.encode(type, x));
            assertTrue(e.getMessage().contains(type.name()), e.getMessage());
        }
    }

    @Test
    void halfPrecisionKeepsInfinityAndRefusesOverflow() {
        float[] special = {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 65504, -65504};
        assertBitwise(special, Hex.decode(DType.F16, Hex.encode(DType.F16, special)), "F16");
        assertTrue(Float.isNaN(Hex.decode(DType.F16, Hex.encode(DType.F16, new float[] {Float.NaN}))[0]));
        assertTrue(Float.isNaN(Hex.decode(DType.BF16, Hex.encode(DType.BF16, new float[] {Float.intBitsToFloat(0x7f800001)}))[0]));
        var e = assertThrows(IllegalArgumentException.class, () -> Hex.encode(DType.F16, new float[] {1, 65520}));
        assertTrue(e.getMessage().contains("65520") && e.getMessage().contains("index 1"), e.getMessage());
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
        "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0", "MXFP4"})
    void rangesAreCheckedBeforeAnythingIsWritten(DType type) {
        Codec codec = Codec.of(type).orElseThrow();
        int n = 2 * type.blockElements();
        var src = MemorySegment.ofArray(new byte[Math.toIntExact(type.bytes(n))]);
        float[] dst = new float[n];
        Arrays.fill(dst, 1);
        assertThrows(IndexOutOfBoundsException.class, () -> codec.decode(src, 1, dst, 0, n));
        assertThrows(IndexOutOfBoundsException.class, () -> codec.decode(src, -1, dst, 0, n));
        assertThrows(IndexOutOfBoundsException.class, () -> codec.decode(src, 0, dst, 1, n));
        assertThrows(IndexOutOfBoundsException.class, () -> codec.decode(src, 0, dst, 0, -n));
        if (type.isQuantized()) {
            assertThrows(IllegalArgumentException.class, () -> codec.decode(src, 0, dst, 0, n - 1));
        }
        for (float v : dst) {
            assertEquals(1, v);
        }
        codec.decode(src, type.blockBytes(), dst, 0, type.blockElements());
        assertEquals(1, dst[n - 1]);
        assertFalse(dst[0] == 1);
    }

    private static void assertBitwise(float[] want, float[] have, String what) {
        assertEquals(want.length, have.length, what);
        for (int i = 0; i < want.length; i++) {
            int w = Float.floatToRawIntBits(want[i]);
            int h = Float.floatToRawIntBits(have[i]);
            if (w != h) {
                throw new AssertionError(what + ": value " + i + " is " + have[i] + ", must be " + want[i]);
            }
        }
    }

    private static List<String> resource(String name) throws IOException {
        try (InputStream in = CodecTest.class.getResourceAsStream(name)) {
            assertNotNull(in, name);
            var lines = new ArrayList<String>();
            for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                if (!line.startsWith("#")) {
                    lines.add(line);
                }
            }
            return lines;
        }
    }
}
