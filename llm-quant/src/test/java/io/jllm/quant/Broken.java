package io.jllm.quant;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * Hands broken files to a reader and holds it to its promise: a clear error or an open file, at a bounded cost. Most go to it as
 * bytes on the heap, since mapping thousands of files would take most of the time.
 */
public final class Broken {
    /** Bytes on the heap that one attempt may take; a small file's own content takes a hundredth. */
    private static final long MAX_ALLOCATED = 4 << 20;
    private static final com.sun.management.ThreadMXBean THREADS =
            (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final String file;
    private final Reader reader;

    /** Reads a file's bytes and all that they promise. */
    @FunctionalInterface
    public interface Reader {
        void read(byte[] bytes) throws IOException;
    }

    /** Attempts by a reader whose errors name this file. */
    public Broken(String file, Reader reader) {
        this.file = file;
        this.reader = reader;
    }

    /** Tries these bytes; the error's message, or empty if the file opened. Anything but a {@link FormatException} fails the test. */
    public Optional<String> attempt(byte[] bytes, String what) throws IOException {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        Optional<String> message = Optional.empty();
        try {
            reader.read(bytes);
        } catch (FormatException e) {
            message = Optional.of(e.getMessage());
            assertTrue(e.getMessage().startsWith(file + ": "), what + ": " + e.getMessage());
        } catch (RuntimeException | Error e) {
            throw new AssertionError(what, e);
        }
        long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
        assertTrue(allocated < MAX_ALLOCATED, what + " took " + allocated + " bytes of heap");
        return message;
    }

    /** Tries these bytes, which must be refused with a message that holds all these words. */
    public void refused(byte[] bytes, String what, String... words) throws IOException {
        String message = attempt(bytes, what).orElseThrow(() -> new AssertionError(what + " was not refused"));
        for (String word : words) {
            assertTrue(message.contains(word), what + ": \"" + word + "\" is not in: " + message);
        }
    }

    /** A copy with eight bytes replaced. */
    public static byte[] withLong(byte[] bytes, int at, long value) {
        byte[] copy = bytes.clone();
        ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN).putLong(at, value);
        return copy;
    }

    /** A copy with four bytes replaced. */
    public static byte[] withInt(byte[] bytes, int at, int value) {
        byte[] copy = bytes.clone();
        ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN).putInt(at, value);
        return copy;
    }
}
