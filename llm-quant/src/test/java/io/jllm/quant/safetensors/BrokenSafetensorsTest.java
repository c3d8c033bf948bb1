package io.jllm.quant.safetensors;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.quant.Broken;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BrokenSafetensorsTest {
    private final Broken broken = new Broken("broken.safetensors", BrokenSafetensorsTest::readAll);

    private static void readAll(byte[] bytes) {
        try (var file = new SafetensorsFile("broken.safetensors", Arena.ofConfined(), MemorySegment.ofArray(bytes))) {
            for (var t : file.tensors().values()) {
                Codec.of(t.type()).ifPresent(codec -> {
                    float[] values = new float[Math.toIntExact(t.rows() * t.cols())];
                    codec.decode(t.data(), 0, values, 0, values.length);
                });
            }
        }
    }

    private static byte[] sample() {
        return new Safetensors().add("a", DType.F32, List.of(2, 3), 1, 2, 3, 4, 5, 6).add("b", DType.BF16, List.of(3), 7, 8, 9)
                .add("c", "F8_E4M3", List.of(2, 2), new byte[4]).bytes();
    }

    private void refused(String json, int data, String what, String... words) throws IOException {
        broken.refused(Safetensors.file(json, new byte[data]), what, words);
    }

    private static String one(String dtype, String shape, String offsets) {
        return "{\"x\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
    }

    @Test
    void truncatedAnywhere() throws IOException {
        byte[] whole = sample();
        assertTrue(broken.attempt(whole, "whole").isEmpty());
        for (int n = 0; n < whole.length; n++) {
            broken.refused(Arrays.copyOf(whole, n), "cut to " + n);
        }
    }

    @Test
    void randomDamage() throws IOException {
        byte[] whole = sample();
        var random = new Random(43);
        byte[] likely = "{}[]\",:0123456789-.eE\\ \0".getBytes(StandardCharsets.UTF_8);
        int opened = 0;
        for (int round = 0; round < 5000; round++) {
            byte[] bytes = whole.clone();
            for (int n = random.nextInt(1, 5); n > 0; n--) {
                bytes[random.nextInt(bytes.length)] = random.nextBoolean() ? likely[random.nextInt(likely.length)] : (byte) random.nextInt(256);
            }
            opened += broken.attempt(bytes, "round " + round).isEmpty() ? 1 : 0;
        }
        assertTrue(opened > 100 && opened < 4900, opened + " of 5000 opened: the damage tests nothing");
    }

    @Test
    void lengthOfTheHeader() throws IOException {
        for (long n : new long[] {-1, Long.MIN_VALUE, 1L << 60, 100_000_001, 1000}) {
            broken.refused(Broken.withLong(sample(), 0, n), "length " + n, "header", Long.toUnsignedString(n), "100000000");
        }
        broken.refused(Broken.withLong(sample(), 0, 0), "length 0", "header");
        broken.refused(new byte[7], "7 bytes", "header", "7 bytes");
        broken.refused(new byte[0], "nothing", "header");
    }

    @Test
    void json() throws IOException {
        refused("[]", 0, "an array", "header");
        refused("{\"a\":1}", 0, "a number for a tensor", "header");
        refused("{} {}", 0, "two values", "header");
        refused("{'a':{}}", 0, "single quotes", "header");
        refused("{\"x\":{}}", 0, "no fields", "tensor x", "dtype");
        refused("{\"__metadata__\":{\"a\":[]}}", 0, "an array in the metadata", "header");
        refused("{\"x\":{\"more\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}}", 0, "deep arrays", "header", "255");
        refused("{\"x\":".repeat(100_000), 0, "deep objects", "header");
        refused("[".repeat(100_000), 0, "deep from the start", "header");
        String x = "\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}";
        refused("{" + x + "," + x + "}", 1, "a name twice", "tensor x", "twice");
        assertTrue(broken.attempt(Safetensors.file("{" + x + "}  ", new byte[1]), "padded with blanks").isEmpty());
        assertTrue(broken.attempt(Safetensors.file("{}", new byte[0]), "no tensors").isEmpty());
    }

    /** Whether the safetensors library, 0.8.0, opens these: so it is for us. */
    @Test
    void whatTheSafetensorsLibraryOpens() throws IOException {
        String x = "\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";
        for (String json : new String[] {"{\"__metadata__\":null," + x + "}", "{" + x + ",\"__metadata__\":null}", "{\"__metadata__\":{}," + x + "}",
            "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}," + x + "}", "{" + x + "}   ", "{" + x + "}\n\t", " {" + x + "}",
            "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"more\":{\"a\":[1,null]}}}",
            "{\"\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "{\"a\\/b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
            "{\"y\":{\"dtype\":\"U8\",\"shape\":[3,0,2],\"data_offsets\":[0,0]}," + x + "}",
            one("F32", "[2" + ",1".repeat(39) + "]", "[0,8]"), one("F4", "[16]", "[0,8]"), one("F8_E4M3FNUZ", "[8]", "[0,8]"),
            one("C64", "[]", "[0,8]"), one("BOOL", "[2,4]", "[0,8]")}) {
            assertEquals(Optional.empty(), broken.attempt(Safetensors.file(json, new byte[8]), json));
        }
        assertEquals(Optional.empty(), broken.attempt(Safetensors.file("{\"__metadata__\":null}", new byte[0]), "nothing else"));
        for (String metadata : new String[] {"\"x\"", "[]", "1", "{\"a\":null}", "{\"a\":1}", "{\"a\":{}}"}) {
            refused("{\"__metadata__\":" + metadata + "," + x + "}", 8, "metadata " + metadata, "header");
        }
        refused("{\"x\":null}", 0, "null for a tensor", "header");
    }

    @Test
    void tensors() throws IOException {
        assertTrue(broken.attempt(Safetensors.file(one("F32", "[2,3]", "[0,24]"), new byte[24]), "good").isEmpty());
        assertTrue(broken.attempt(Safetensors.file(one("F32", "[]", "[0,4]"), new byte[4]), "a scalar").isEmpty());
        assertTrue(broken.attempt(Safetensors.file(one("F32", "[0,5]", "[4,4]"), new byte[4]), "empty").isEmpty());
        assertTrue(broken.attempt(Safetensors.file(one("F4_NEW", "[3]", "[0,2]"), new byte[2]), "unknown type").isEmpty());
        refused(one("F32", "[2,3]", "[0,24]"), 23, "one byte short", "tensor x", "0 to 24", "23");
        refused(one("F32", "[2,3]", "[24,0]"), 24, "backwards", "tensor x", "24 to 0");
        refused(one("F32", "[2,3]", "[0,20]"), 24, "too few bytes", "tensor x", "20 bytes");
        refused(one("F32", "[2,3]", "[0,27]"), 27, "odd bytes", "tensor x", "27 bytes");
        refused(one("F32", "[2,3]", "[0]"), 24, "one offset", "tensor x", "data_offsets");
        refused(one("F32", "[2,3]", "[0,1,2]"), 24, "three offsets", "header");
        refused(one("F32", "[-2,-3]", "[0,24]"), 24, "negative dimensions", "header", "-2");
        refused(one("F32", "[2.5,3]", "[0,24]"), 24, "a broken dimension", "header");
        refused(one("F32", "[\"2\",3]", "[0,24]"), 24, "a dimension in quotes", "header");
        refused(one("F32", "[1152921504606846976]", "[0,24]"), 24, "2^60 columns", "tensor x", "1152921504606846976");
        refused(one("F32", "[4294967296,4294967296,4294967296]", "[0,0]"), 24, "2^96 elements", "tensor x");
        refused(one("F32", "[4294967296,4294967296,0]", "[0,0]"), 24, "2^64 rows of nothing", "tensor x");
        refused(one("F32", "[99999999999999999999]", "[0,24]"), 24, "more than a long", "header");
        refused(one("F32", "[1" + ",1".repeat(64) + "]", "[0,4]"), 4, "65 dimensions", "header", "64");
        refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[3,7]}}", 7,
                "overlap", "tensor b", "tensor a");
    }
}
