package io.jllm.quant.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Many blocks, by the SHA-256 of what ggml makes of them: values that it decodes, bytes that it encodes, with importances of columns and
 * without. Of {@code ggml_quantize_chunk} and {@code dequantize_row}, built by gcc for x86-64 without FMA.
 */
class GgmlHashesTest {
    private static final int ROWS = 24;
    private static final int COLS = 1024;
    private static final int BLOCKS = 400;

    /** The numbers that were given to ggml too. */
    private static final class Numbers {
        private long state;

        Numbers(long seed) {
            state = seed;
        }

        int next(int bits) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            return (int) (state >> 64 - bits);
        }
    }

    /** Bell-shaped, of several magnitudes, with groups of zeros, equal, tiny, positive and negative values, and a row of zeros. */
    private static float[] values() {
        var numbers = new Numbers(15);
        var x = new float[ROWS * COLS];
        for (int g = 0; g < x.length / 32; g++) {
            int scale = (numbers.next(16) & 3) - 20;
            for (int j = 0; j < 32; j++) {
                float v = Math.scalb((float) (numbers.next(16) + numbers.next(16) + numbers.next(16)), scale);
                x[32 * g + j] = g / 32 == 20 || g % 37 == 36 ? 0 : g % 41 == 40 ? 0.25f : g % 43 == 42 ? Math.abs(v)
                        : g % 47 == 46 ? Math.scalb(v, -60) : g % 53 == 52 ? -Math.abs(v) - 1 : v;
            }
        }
        return x;
    }

    private static float[] importance() {
        var numbers = new Numbers(16);
        var w = new float[COLS];
        for (int c = 0; c < COLS; c++) {
            w[c] = Math.scalb((float) ((numbers.next(16) & 1023) + (c % 29 == 0 ? 20_000 : 0)), -10);
        }
        return w;
    }

    @Test
    void numbersAreThoseThatGgmlHad() {
        assertEquals("3ca40f00aef53b5fd509f6697991343f96f22f76c9a28ff7aeff0e98f068e6f9", sha256(values()));
        assertEquals("541a666079c20be0b6a42cecd3026adea62f0747202f30d249957a70102073b0", sha256(importance()));
    }

    @ParameterizedTest
    @CsvSource({
        "Q4_0, ca5f2c75f50807ebc819170606bad79c13d8302e1b33cb585834a234bcdbe9aa,"
            + " ba7bb2e0e87423963d3b00411cee77d1919a74177aae069959ab36881bb81b5c",
        "Q4_1, 860f35aa63ae0d682a8e870efe6ac84fbb6dfdd85e9cc5c56d1350be7f90ff4d,"
            + " e92a313b4371e1fe0d14642a55e06f0165b1dfdb6805321e0046bc3cc5b3eaa6",
        "Q5_0, 20fc7942796d8b9675409530ba457279fbcf6315ba30a965043fc9fe4093fa58,"
            + " 7e7b0601e858a7c891e5f5b645c16061b3db55e645677a49f2326969794d23e1",
        "Q5_1, 361dcccf68463d9d28b19cae675978cd05f98cb635ce85ced54c567546a263a8,"
            + " 20fdaef7bcc36b4be3a7d6136f1aa13f127dacabfc4fbf7bc2b2af8438101b1d",
        "Q8_0, c801149e09fed96d4cadeeb05adb4b5844f562a1d927f9a5e4a7338fbdbcbd34,"
            + " c801149e09fed96d4cadeeb05adb4b5844f562a1d927f9a5e4a7338fbdbcbd34",
        "Q2_K, fb9c12639fad719ae8deda28b0e186e24cb5e45ab05013fa8196cca3f568859a,"
            + " f745f5a12c52a5145ede4cbaf98bccf2a826b0a93fe1b70f072a3ab857909693",
        "Q3_K, ac7b48d013ec25c6ddf1cf4973e1557a35fd0e4292958a1ba9915625881e804d,"
            + " 87e652fa084cc94e1e8ca6329572b039ce2815ca40c9fef55bb79590a5c0b125",
        "Q4_K, 174e94da0e7ee9e66dd6cb2094ab42b088aa0131e5b73de5a86f43dac0e0ed85,"
            + " 5c09d6b30c68f6fc8449b1f599c8ff7ee850c9027513e686c8a0910a608b1ea4",
        "Q5_K, 0ac0aa7c41e9356eda07da3ad150a54662877aaec226523c822b1960b8aed9e4,"
            + " 6c09c9075610bdb9804dd3dcdd054e23613fb730449cb15de52c3686fd1b2da6",
        "Q6_K, 23a761492fb4dd0e652f22cdaa2e1787931b28c4260ebc6db8fdff7db36abcc0,"
            + " acdbfe406e6f5bf3987ac523cd7e0ab23f9781a6454c911f42fd191891d3865d",
        "IQ4_NL, 97e0ec3a95f53ba924bafa95d215a53c3736ef234d24e1346377f50419cdaac0,"
            + " e814c00b2cf63fc104d1521cb74896f9de398b07290ee7c15aae940723e07f6a",
        "IQ4_XS, d852fc7021e5499843040493310b29061dded7889b6e1bb02908d6035c4718f4,"
            + " f9426dc20c027c7224fe39c104508ebbf28264826cef4ded9649ccaf65931bd6",
        "TQ1_0, e96d72dd1872f5f512f581919286b65cad091197d0c0ef443e9e6b41318c8b7a,"
            + " e96d72dd1872f5f512f581919286b65cad091197d0c0ef443e9e6b41318c8b7a",
        "TQ2_0, 468740d74b87224b319c21f253c513ce6fd72b82ad6ceabe56b12f71c3e9c8ea,"
            + " 468740d74b87224b319c21f253c513ce6fd72b82ad6ceabe56b12f71c3e9c8ea"
    })
    void encoders(DType type, String plain, String weighed) {
        var x = values();
        var encoder = Encoder.of(type).orElseThrow();
        var bytes = new byte[Math.toIntExact(type.bytes(x.length))];
        encoder.encode(x, 0, x.length, MemorySegment.ofArray(bytes), 0);
        assertEquals(plain, sha256(bytes));
        // in two runs of rows, with values before them
        var later = new float[x.length + 7];
        System.arraycopy(x, 0, later, 7, x.length);
        var segment = MemorySegment.ofArray(bytes);
        int first = 5 * COLS;
        encoder.encode(later, 7, first, importance(), segment, 0);
        encoder.encode(later, 7 + first, x.length - first, importance(), segment, type.bytes(first));
        assertEquals(weighed, sha256(bytes));
    }

    @ParameterizedTest
    @CsvSource({
        "IQ4_NL, 846c145210a1f3571a2137d88a7e70ca196ef9205a5fc67712c28965d37ae679",
        "IQ4_XS, 965c59751705c6f6da01749f2caa338504d86d06b1476f2565ff9d6027c1ac42",
        "IQ3_S, 7a8d16aed2d90c4ac62838069033bbd9e579f6bf601ef67b848f895f15072985",
        "IQ3_XXS, ac5ff58b7b4184ee2015cadb143ec04434b2fd6c31a94685c040dfa9bc9e77ab",
        "IQ2_S, 9da0fe30a38ce6ace09363f4345e41631dfde600781a06a8e0832f0b925b4962",
        "IQ2_XS, c0059a6f9fa30ed9710b2caed457dccb5be6df196634cc75310570e0b797424a",
        "IQ2_XXS, 1eddc3b6df113222658ad48e5916ba5ca7c209c2890447ce446572a29d3645fc",
        "IQ1_S, d5578afb65d3d393ab7bd22808526b463e370e4fcb08bdcce084e2f9e96c1399",
        "IQ1_M, 9d63be4808298f865d147e78390ea8e0c8bea496c892c4f4cd534849c7f31289",
        "TQ1_0, 5b6197f20d17b6b5beb2003bc3eeeb5a45e15cea450fc18fa64caf284fa10547",
        "TQ2_0, 4cef5b2b1bb0b994aece7e30abe139056800c5d99bfa897ee2d58e45d530a240",
    })
    void codecs(DType type, String decoded) {
        var numbers = new Numbers(17);
        var bytes = new byte[BLOCKS * type.blockBytes()];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) numbers.next(8);
        }
        // scales below 2 in magnitude: their upper byte is the last but in IQ formats, whose scale comes first, and IQ1_M
        int scaleEnd = switch (type) {
            case IQ1_M, TQ1_0, TQ2_0 -> type.blockBytes() - 1;
            default -> 1;
        };
        for (int b = 0; b < BLOCKS; b++) {
            bytes[b * type.blockBytes() + scaleEnd] &= (byte) 0xbf;
        }
        var values = new float[BLOCKS * type.blockElements()];
        Codec.of(type).orElseThrow().decode(MemorySegment.ofArray(bytes), 0, values, 0, values.length);
        assertEquals(decoded, sha256(values));
    }

    private static String sha256(float[] values) {
        var bytes = ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return sha256(bytes.array());
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
