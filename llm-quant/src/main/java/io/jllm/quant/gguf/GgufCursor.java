package io.jllm.quant.gguf;

import io.jllm.quant.FormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads little-endian fields one after another, and turns every way in which a broken file could lead astray into a
 * {@link FormatException}: no read passes the end, and no count is believed before the bytes for it are known to be there.
 */
final class GgufCursor {
    /**
     * How many values and list entries a header may hold in all. The largest vocabularies have a million. It bounds the heap that a
     * file can claim: a count must not only fit the bytes that follow, which in a large file may be weights.
     */
    static final long MAX_VALUES = 1 << 24;
    /** How many bytes of text a header may hold in all. */
    static final long MAX_TEXT = 1L << 28;

    /** Bytes that are copied at once: a call for each number of a vocabulary takes a tenth of a second where nothing is compiled yet. */
    private static final int WINDOW = 1 << 16;

    private final MemorySegment bytes;
    private final String file;
    private final byte[] window;
    /** Of the file, what the window holds: from here on, so many bytes. */
    private long windowAt;
    private int windowBytes;
    private long at;
    private long values;
    private long text;

    GgufCursor(MemorySegment bytes, String file) {
        this.bytes = bytes;
        this.file = file;
        window = new byte[(int) Math.min(WINDOW, bytes.byteSize())];
    }

    long position() {
        return at;
    }

    long size() {
        return bytes.byteSize();
    }

    FormatException broken(String place, String problem) {
        return new FormatException(file, place, problem);
    }

    byte int8(String place) {
        return window[take(1, place)];
    }

    short int16(String place) {
        int i = take(2, place);
        return (short) (window[i] & 0xFF | window[i + 1] << 8);
    }

    int int32(String place) {
        return int32(take(4, place));
    }

    long int64(String place) {
        int i = take(8, place);
        return Integer.toUnsignedLong(int32(i)) | (long) int32(i + 4) << 32;
    }

    private int int32(int i) {
        return window[i] & 0xFF | (window[i + 1] & 0xFF) << 8 | (window[i + 2] & 0xFF) << 16 | window[i + 3] << 24;
    }

    /** A count of 64 bits of things that take at least so many bytes each. */
    int count(long leastBytes, String place, String what) {
        long n = int64(place);
        long left = size() - at;
        if (n < 0 || n > left / leastBytes) {
            throw broken(place, "claims " + Long.toUnsignedString(n) + " " + what + ", of at least " + leastBytes
                    + " bytes each, but the file has " + left + " bytes left at " + at);
        }
        values += n;
        if (values > MAX_VALUES) {
            throw broken(place, "claims " + n + " " + what + ", which makes " + values + " in the header; the limit is " + MAX_VALUES);
        }
        return (int) n;
    }

    /** A string; bytes that are not UTF-8 become U+FFFD. */
    String string(String place, long maxBytes) {
        return new String(utf8(place, maxBytes), StandardCharsets.UTF_8);
    }

    /** The bytes of a string. */
    byte[] utf8(String place, long maxBytes) {
        long n = int64(place);
        long left = size() - at;
        if (n < 0 || n > left) {
            throw broken(place, "claims a string of " + Long.toUnsignedString(n) + " bytes, but the file has " + left
                    + " bytes left at " + at);
        }
        text += n;
        if (n > maxBytes || text > MAX_TEXT) {
            throw broken(place, "claims a string of " + n + " bytes; the limit is " + maxBytes + ", and " + MAX_TEXT + " for all strings");
        }
        if (n > window.length) {
            byte[] utf8 = new byte[(int) n];
            MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, utf8, 0, utf8.length);
            at += n;
            return utf8;
        }
        int i = take((int) n, place);
        return Arrays.copyOfRange(window, i, i + (int) n);
    }

    /** Where in the window the next bytes are, at most as many as it holds. */
    private int take(int n, String place) {
        if (size() - at < n) {
            throw broken(place, "ends too early: the file has " + size() + " bytes, " + n + " more are needed at " + at);
        }
        if (at + n > windowAt + windowBytes) {
            windowAt = at;
            windowBytes = (int) Math.min(window.length, size() - at);
            MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, window, 0, windowBytes);
        }
        int from = (int) (at - windowAt);
        at += n;
        return from;
    }
}
