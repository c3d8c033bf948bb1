package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;

/** Little-endian hex, as golden files hold it. */
public final class Hex {
    private Hex() {
    }

    /** The bytes. */
    public static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex);
    }

    /** The floats. */
    public static float[] floats(String hex) {
        byte[] bytes = bytes(hex);
        float[] values = new float[bytes.length / 4];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        return values;
    }

    /** The values of stored bytes, which are laid at an odd address so that no codec may lean on alignment. */
    public static float[] decode(DType type, byte[] stored) {
        byte[] shifted = new byte[stored.length + 1];
        System.arraycopy(stored, 0, shifted, 1, stored.length);
        int count = stored.length / type.blockBytes() * type.blockElements();
        float[] padded = new float[count + 3];
        Codec.of(type).orElseThrow().decode(MemorySegment.ofArray(shifted), 1, padded, 3, count);
        return Arrays.copyOfRange(padded, 3, 3 + count);
    }

    /** The stored bytes of values, by way of odd addresses as well. */
    public static byte[] encode(DType type, float[] values) {
        float[] padded = new float[values.length + 3];
        System.arraycopy(values, 0, padded, 3, values.length);
        byte[] shifted = new byte[Math.toIntExact(type.bytes(values.length)) + 1];
        Encoder.of(type).orElseThrow().encode(padded, 3, values.length, MemorySegment.ofArray(shifted), 1);
        return Arrays.copyOfRange(shifted, 1, shifted.length);
    }
}
