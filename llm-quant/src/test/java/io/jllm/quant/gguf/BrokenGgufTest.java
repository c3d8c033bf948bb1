package io.jllm.quant.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.quant.Broken;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.gguf.GgufValue.Type;
import io.jllm.quant.gguf.GgufWriter.Progress;
import io.jllm.quant.gguf.GgufWriter.TensorEntry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BrokenGgufTest {
    /** Values that counts, lengths and offsets are replaced by. */
    private static final long[] ABSURD = {-1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 60, 1L << 32, Integer.MAX_VALUE, 1L << 24, 100_000};

    @TempDir
    private Path dir;

    private final Broken broken = new Broken("broken.gguf",
            bytes -> readAll(new GgufFile("broken.gguf", Arena.ofConfined(), MemorySegment.ofArray(bytes))));

    /** Touches every value that a file says it has. */
    private static void readAll(GgufFile open) {
        try (GgufFile file = open) {
            assertEquals(file.metadata().entries().hashCode(), file.metadata().entries().hashCode());
            for (String name : file.names()) {
                Tensor t = file.get(name);
                if (t.data().byteSize() == 0) {
                    continue;
                }
                Codec.of(t.type()).ifPresent(codec -> {
                    float[] row = new float[Math.toIntExact(t.cols())];
                    for (long r = 0; r < t.rows(); r++) {
                        codec.decode(t.row(r), 0, row, 0, row.length);
                    }
                });
            }
        }
    }

    private byte[] sample(List<TensorEntry> tensors) throws IOException {
        Path file = dir.resolve("sample.gguf");
        GgufWriter.write(file, Samples.metadata(), tensors, Progress.NONE);
        return Files.readAllBytes(file);
    }

    /** What a hostile writer would write: fields as told, unchecked. */
    private static final class Fields {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        static Fields header(int version, long tensors, long entries) {
            return new Fields().text("GGUF").int32(version).int64(tensors).int64(entries);
        }

        Fields text(String s) {
            out.writeBytes(s.getBytes(StandardCharsets.UTF_8));
            return this;
        }

        Fields string(String s) {
            return int64(s.getBytes(StandardCharsets.UTF_8).length).text(s);
        }

        Fields int32(int v) {
            out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(v).array());
            return this;
        }

        Fields int64(long v) {
            out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(v).array());
            return this;
        }

        Fields tensor(String name, int type, long offset, long... shape) {
            string(name).int32(shape.length);
            for (long n : shape) {
                int64(n);
            }
            return int32(type).int64(offset);
        }

        /** With so much data after the header, which is padded to 32 bytes. */
        byte[] data(int bytes) {
            byte[] all = out.toByteArray();
            return Arrays.copyOf(all, (all.length + 31 & -32) + bytes);
        }
    }

    private static Fields one(int type, long offset, long... shape) {
        return Fields.header(3, 1, 0).tensor("x", type, offset, shape);
    }

    private static Fields entry(int type) {
        return Fields.header(3, 0, 1).string("k").int32(type);
    }

    @Test
    void truncatedAnywhere() throws IOException {
        byte[] whole = sample(Samples.tensors());
        assertTrue(broken.attempt(whole, "whole").isEmpty());
        int end = whole.length;
        while (whole[end - 1] == 0) {
            end--;
        }
        for (int n = 0; n < end - 2; n++) { // the last two bytes written are a scale, which may hold a zero
            broken.refused(Arrays.copyOf(whole, n), "cut to " + n);
        }
        Path file = dir.resolve("cut.gguf");
        var mapped = new Broken(file.toString(), bytes -> {
            Files.write(file, bytes);
            readAll(GgufFile.open(file));
        });
        for (int n = 0; n < end; n = 2 * n + 3) {
            mapped.refused(Arrays.copyOf(whole, n), "cut to " + n);
        }
        assertTrue(mapped.attempt(whole, "whole").isEmpty());
    }

    @Test
    void absurdNumbersAtEveryPlace() throws IOException {
        byte[] whole = sample(Samples.tensors());
        for (int at = 0; at < whole.length - 600; at++) {
            for (long value : ABSURD) {
                broken.attempt(Broken.withLong(whole, at, value), value + " at " + at);
            }
        }
    }

    @Test
    void randomDamage() throws IOException {
        byte[] whole = sample(Samples.tensors());
        var random = new Random(42);
        int opened = 0;
        for (int round = 0; round < 6000; round++) {
            byte[] bytes = whole.clone();
            for (int n = random.nextInt(1, 6); n > 0; n--) {
                int at = random.nextInt(random.nextBoolean() ? 64 : bytes.length);
                bytes[at] = (byte) (random.nextInt(4) == 0 ? 0xff : random.nextInt(256));
            }
            if (random.nextInt(5) == 0) {
                bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length * 2));
            }
            opened += broken.attempt(bytes, "round " + round).isEmpty() ? 1 : 0;
        }
        assertTrue(opened > 100 && opened < 5900, opened + " of 6000 opened: the damage tests nothing");
    }

    @Test
    void magicAndVersion() throws IOException {
        byte[] good = Fields.header(3, 0, 0).data(0);
        assertTrue(broken.attempt(good, "good").isEmpty());
        assertTrue(broken.attempt(Broken.withInt(good, 4, 2), "version 2").isEmpty());
        broken.refused(new byte[0], "an empty file", "magic", "0 bytes");
        broken.refused("{\"a\":1}".getBytes(StandardCharsets.UTF_8), "JSON", "magic");
        broken.refused(Broken.withInt(good, 0, 0x67676a74), "ggjt", "magic", "GGUF");
        broken.refused(Broken.withInt(good, 4, 1), "version 1", "version", "1", "2 and 3");
        broken.refused(Broken.withInt(good, 4, 4), "version 4", "version", "4", "2 and 3");
        broken.refused(Broken.withInt(good, 4, 3 << 24), "big-endian", "version", "big-endian", "3");
        broken.refused(Broken.withInt(good, 4, -1), "version -1", "version", "4294967295");
    }

    @Test
    void counts() throws IOException {
        for (long n : new long[] {-1, 1L << 60, 1000, 1}) {
            broken.refused(Fields.header(3, n, 0).data(0), n + " tensors", Long.toUnsignedString(n));
            broken.refused(Fields.header(3, 0, n).data(0), n + " entries", Long.toUnsignedString(n));
            if (n > 1) {
                broken.refused(entry(9).int32(8).int64(n).data(0), n + " strings", "metadata k", Long.toString(n));
                broken.refused(entry(8).int64(n).data(0), "a string of " + n, "metadata k", Long.toString(n));
                broken.refused(Fields.header(3, 0, 1).int64(n).data(32), "a key of " + n, "key of metadata entry 0", Long.toString(n));
            }
        }
        // 17 million bytes are there, and would be 136 MB as longs
        int many = (1 << 24) + 1;
        broken.refused(entry(9).int32(0).int64(many).data(many), "an array over the limit", "metadata k", "16777217", "16777216");
    }

    @Test
    void typesAndBooleans() throws IOException {
        broken.refused(entry(13).data(64), "type 13", "metadata k", "13");
        broken.refused(entry(-1).data(64), "type -1", "metadata k", "4294967295");
        broken.refused(entry(9).int32(14).int64(1).data(64), "element type 14", "metadata k", "14");
        assertTrue(broken.attempt(entry(7).text("\2").data(64), "boolean 2, which llama.cpp takes for true").isEmpty());
        broken.refused(Fields.header(3, 0, 2).string("k").int32(7).text("\1").string("k").int32(7).text("\1").data(0), "key twice", "metadata k",
                "twice");
    }

    @Test
    void arraysInArraysInArrays() throws IOException {
        for (int depth : new int[] {9, 100_000}) {
            Fields f = entry(9);
            for (int i = 0; i < depth; i++) {
                f.int32(9).int64(1);
            }
            broken.refused(f.int32(0).int64(0).data(0), depth + " deep", "metadata k", "8 deep");
        }
        Fields f = entry(9);
        for (int i = 0; i < 7; i++) {
            f.int32(9).int64(1);
        }
        assertTrue(broken.attempt(f.int32(0).int64(0).data(0), "8 deep").isEmpty());
    }

    @Test
    void alignment() throws IOException {
        for (long value : new long[] {0, 3, 48, 1L << 31}) {
            byte[] bytes = Fields.header(3, 0, 1).string("general.alignment").int32(Type.UINT32.ordinal()).int32((int) value).data(0);
            broken.refused(bytes, "alignment " + value, "general.alignment", Long.toString(value));
        }
        broken.refused(Fields.header(3, 0, 1).string("general.alignment").int32(8).string("32").data(0), "text", "general.alignment");
    }

    @Test
    void tensors() throws IOException {
        int f32 = DType.F32.ggmlId();
        assertTrue(broken.attempt(one(f32, 0, 4, 2).data(32), "good").isEmpty());
        assertTrue(broken.attempt(one(f32, 0).data(4), "a scalar").isEmpty());
        assertTrue(broken.attempt(one(f32, 0, 4, 0).data(0), "no rows").isEmpty());
        broken.refused(one(f32, 0, 4, 2).data(31), "one byte short", "tensor x", "32 bytes", "31");
        broken.refused(one(f32, 32, 4, 2).data(32), "behind the end", "tensor x", "offset 32");
        broken.refused(one(f32, 64, 4, 2).data(32), "far behind the end", "tensor x", "offset 64");
        broken.refused(one(f32, 1L << 60, 4).data(32), "offset 2^60", "tensor x", Long.toString(1L << 60));
        broken.refused(one(f32, -32, 4).data(32), "negative offset", "tensor x", "offset 18446744073709551584");
        broken.refused(one(f32, 4, 4).data(32), "crooked offset", "tensor x", "offset 4", "multiple of 32");
        broken.refused(one(f32, 0, -1).data(32), "negative dimension", "tensor x", "18446744073709551615");
        broken.refused(one(f32, 0, 1L << 60).data(32), "2^60 columns", "tensor x");
        broken.refused(one(f32, 0, 1L << 40, 1L << 40).data(32), "2^80 elements", "tensor x", "shape");
        broken.refused(one(f32, 0, 0, 1L << 40, 1L << 40).data(32), "2^80 rows of nothing", "tensor x", "shape");
        broken.refused(one(f32, 0, 1, 1, 1, 1, 1).data(32), "5 dimensions", "tensor x", "5 dimensions");
        broken.refused(one(DType.Q4_0.ggmlId(), 0, 16, 2).data(32), "half a block", "tensor x", "16", "32");
        broken.refused(one(200, 32, 4).data(16), "unknown type behind the end", "tensor x", "offset 32");
        assertTrue(broken.attempt(one(200, 0, 4).data(0), "unknown type").isEmpty());
        Fields two = Fields.header(3, 2, 0);
        broken.refused(two.tensor("a", f32, 0, 16).tensor("b", f32, 32, 8).data(64), "overlap", "tensor b", "tensor a", "64");
        broken.refused(Fields.header(3, 2, 0).tensor("a", f32, 0, 8).tensor("a", f32, 32, 8).data(64), "name twice", "tensor a", "twice");
        broken.refused(Fields.header(3, 1, 0).tensor("", f32, 0, 8).data(32), "no name", "the name of tensor 0 is empty");
        broken.refused(Fields.header(3, 0, 1).string("").int32(7).text("\1").data(0), "no key", "the key of metadata entry 0 is empty");
        broken.refused(Fields.header(3, 1, 0).tensor("a\nb\0" + "c".repeat(1000), f32, 4, 8).data(32), "a strange name",
                "tensor a\\nb\\u0000ccc", "c... starts at offset 4");
        broken.refused(Fields.header(3, 1, 0).int64(1L << 20).data(1 << 21), "a long name", "name of tensor 0", "65535");
    }

    /** A large file may hold the bytes for what its header claims: the limits must hold without leaning on its end. */
    @Test
    void claimsWithinAHugeFile() throws IOException {
        Path file = dir.resolve("huge.gguf");
        var huge = new Broken(file.toString(), bytes -> {
            Files.write(file, bytes);
            try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.write(ByteBuffer.allocate(1), 8L << 30);
            }
            readAll(GgufFile.open(file));
        });
        for (Map.Entry<String, Fields> e : Map.of("tensors", Fields.header(3, 1 << 28, 0), "entries", Fields.header(3, 0, 1 << 28),
                "bytes", entry(9).int32(0).int64(1L << 31), "strings", entry(9).int32(8).int64(1 << 28),
                "one string", entry(8).int64((1L << 31) - 1), "arrays", entry(9).int32(9).int64(1 << 28)).entrySet()) {
            huge.refused(e.getValue().data(0), e.getKey(), "limit");
        }
    }
}
