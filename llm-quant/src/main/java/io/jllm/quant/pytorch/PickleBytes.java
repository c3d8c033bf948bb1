package io.jllm.quant.pytorch;

import io.jllm.quant.FormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Reads a pickle's bytes one after another, never past the end. */
final class PickleBytes {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    /** Of names of functions, in bytes. */
    private static final int MAX_NAME = 256;

    private final MemorySegment bytes;
    private final String file;
    private long at;

    PickleBytes(MemorySegment bytes, String file) {
        this.bytes = bytes;
        this.file = file;
    }

    FormatException broken(String problem) {
        return new FormatException(file, "data.pkl", problem + " (at " + at + " of " + bytes.byteSize() + " bytes)");
    }

    private long take(long n) {
        if (n < 0 || n > bytes.byteSize() - at) {
            throw broken("ends too early: it needs " + n + " more bytes");
        }
        at += n;
        return at - n;
    }

    int uint8() {
        return bytes.get(ValueLayout.JAVA_BYTE, take(1)) & 0xff;
    }

    int uint16() {
        return bytes.get(SHORT, take(2)) & 0xffff;
    }

    int int32() {
        return bytes.get(INT, take(4));
    }

    double float64() {
        return bytes.get(DOUBLE, take(8));
    }

    void skip(long n) {
        take(n);
    }

    String text(long n) {
        return new String(raw(n), StandardCharsets.UTF_8);
    }

    private byte[] raw(long n) {
        return bytes.asSlice(take(n), n).toArray(ValueLayout.JAVA_BYTE);
    }

    /** A whole number of some bytes, the least first. */
    long whole(int n) {
        byte[] le = raw(n);
        var be = new byte[n + 1];
        for (int i = 0; i < n; i++) {
            be[n - i] = le[i];
        }
        be[0] = n > 0 && le[n - 1] < 0 ? (byte) -1 : 0;
        var value = new BigInteger(be);
        if (value.bitLength() > 63) {
            throw broken("holds a number of " + value.bitLength() + " bits; those of a tensor have at most 63");
        }
        return value.longValue();
    }

    /** A name up to the end of the line. */
    String line() {
        for (long n = 0; n <= MAX_NAME && at + n < bytes.byteSize(); n++) {
            if (bytes.get(ValueLayout.JAVA_BYTE, at + n) == '\n') {
                String line = text(n);
                skip(1);
                return line;
            }
        }
        throw broken("has a name without an end, or of more than " + MAX_NAME + " bytes");
    }
}
