package io.jllm.load.fuzz;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/** Damages a file in one to three places: bits, numbers, strings, ends, pieces. */
final class Mutator {
    private static final long[] EXTREMES = {0, 1, 2, 3, 7, 31, 32, 33, 127, 128, 255, 256, 32767, 65535, 65536, 100_000, 1L << 20, 1L << 24,
        Integer.MAX_VALUE, 1L << 31, 0xffff_ffffL, 1L << 32, 1L << 40, 1L << 60, Long.MAX_VALUE, Long.MIN_VALUE, -1, -2, -32};

    private final RandomGenerator random;
    private final JsonMutator json;

    Mutator(RandomGenerator random) {
        this.random = random;
        this.json = new JsonMutator(random);
    }

    /** A damaged copy; {@code fields} are those of the sound file. */
    byte[] mutate(String name, byte[] file, int[] fields) {
        byte[] bytes = file;
        for (int n = 1 + random.nextInt(3); n > 0; n--) {
            if (name.endsWith(".json") && random.nextInt(5) > 0) {
                bytes = json.mutate(new String(bytes, StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8);
            } else if (name.endsWith(".safetensors") && random.nextInt(5) > 1) {
                bytes = header(bytes);
            } else {
                bytes = plain(bytes, fields);
            }
        }
        return bytes;
    }

    /** Changes the JSON before the data, and its length with it. */
    private byte[] header(byte[] bytes) {
        if (bytes.length < 8) {
            return bytes;
        }
        long length = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (length < 0 || length > bytes.length - 8) {
            return bytes;
        }
        int n = (int) length;
        byte[] text = json.mutate(new String(bytes, 8, n, StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + text.length + bytes.length - 8 - n).order(ByteOrder.LITTLE_ENDIAN).putLong(text.length).put(text)
                .put(bytes, 8 + n, bytes.length - 8 - n).array();
    }

    private byte[] plain(byte[] bytes, int[] fields) {
        if (bytes.length == 0) {
            return new byte[] {(byte) random.nextInt(256)};
        }
        byte[] copy = bytes.clone();
        int at = place(copy, fields);
        return switch (random.nextInt(10)) {
            case 0 -> {
                copy[at] ^= (byte) (1 << random.nextInt(8));
                yield copy;
            }
            case 1 -> {
                copy[at] = (byte) random.nextInt(256);
                yield copy;
            }
            case 2 -> Arrays.copyOf(copy, random.nextInt(4) > 0 ? at : random.nextInt(copy.length + 1));
            case 3 -> Arrays.copyOf(copy, copy.length + random.nextInt(100));
            case 4 -> piece(copy, at);
            case 5 -> without(copy, at);
            default -> number(copy, at);
        };
    }

    private int place(byte[] bytes, int[] fields) {
        int at = switch (random.nextInt(8)) {
            case 0 -> random.nextInt(bytes.length);
            case 1 -> random.nextInt(Math.min(bytes.length, 4096));
            default -> fields.length > 1 ? fields[random.nextInt(fields.length)] : random.nextInt(bytes.length);
        };
        return Math.min(at, bytes.length - 1);
    }

    private byte[] number(byte[] bytes, int at) {
        int width = 1 << random.nextInt(4);
        if (at + width > bytes.length) {
            return bytes;
        }
        long value = EXTREMES[random.nextInt(EXTREMES.length)];
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (random.nextInt(3) == 0) { // near what it was
            long old = width == 8 ? in.getLong(at) : width == 4 ? in.getInt(at) : width == 2 ? in.getShort(at) : in.get(at);
            value = old + random.nextInt(-3, 4);
        }
        for (int i = 0; i < width; i++) {
            bytes[at + i] = (byte) (value >> 8 * i);
        }
        return bytes;
    }

    /** Puts a copy of another piece there, over what was there or before it. */
    private byte[] piece(byte[] bytes, int at) {
        int n = Math.min(bytes.length, 1 + random.nextInt(64));
        int from = random.nextInt(bytes.length - n + 1);
        if (random.nextBoolean()) {
            System.arraycopy(bytes, from, bytes, at, Math.min(n, bytes.length - at));
            return bytes;
        }
        return ByteBuffer.allocate(bytes.length + n).put(bytes, 0, at).put(bytes, from, n).put(bytes, at, bytes.length - at).array();
    }

    private byte[] without(byte[] bytes, int at) {
        int n = Math.min(bytes.length - at, 1 + random.nextInt(32));
        return ByteBuffer.allocate(bytes.length - n).put(bytes, 0, at).put(bytes, at + n, bytes.length - at - n).array();
    }
}
