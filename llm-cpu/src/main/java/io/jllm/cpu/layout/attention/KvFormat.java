package io.jllm.cpu.layout.attention;

/** How keys and values are stored, for attention in machine code. */
public enum KvFormat {
    F32(Float.BYTES),
    F16(Short.BYTES),
    /** Bytes; each 32 dimensions of a position share a scale in half precision. */
    Q8_0(Byte.BYTES);

    /** Dimensions that share a scale. */
    public static final int BLOCK = 32;

    private final int bytes;

    KvFormat(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of a number. */
    public int bytes() {
        return bytes;
    }

    public boolean scaled() {
        return this == Q8_0;
    }
}
