package io.jllm.quant.pytorch;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Writes checkpoints byte by byte: an archive of any entries, and pickles of any opcodes. */
final class TorchFile {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream directory = new ByteArrayOutputStream();
    private int entries;

    /** Numbers of 2, 4 or 8 bytes, little-endian. */
    static byte[] le(int bytes, long value) {
        return Arrays.copyOf(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array(), bytes);
    }

    private static byte[] latin1(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    TorchFile entry(String name, byte[] data) {
        return entry(name, data, 0, data.length, data.length, out.size());
    }

    /** An entry whose header and directory say what they are told. */
    TorchFile entry(String name, byte[] data, int method, long size, long stored, long at) {
        byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
        all(out, latin1("PK\3\4"), le(2, 20), le(2, 0), le(2, method), le(4, 0), le(4, 0), le(4, stored), le(4, size), le(2, utf8.length), le(2, 3),
                utf8, new byte[3], data);
        all(directory, latin1("PK\1\2"), le(2, 20), le(2, 20), le(2, 0), le(2, method), le(4, 0), le(4, 0), le(4, stored), le(4, size),
                le(2, utf8.length), le(2, 0), le(2, 0), le(2, 0), le(2, 0), le(4, 0), le(4, at), utf8);
        entries++;
        return this;
    }

    byte[] bytes() {
        return bytes(entries, directory.size(), out.size());
    }

    /** With an end that says what it is told. */
    byte[] bytes(long count, long directoryBytes, long at) {
        var file = new ByteArrayOutputStream();
        all(file, out.toByteArray(), directory.toByteArray(), latin1("PK\5\6"), le(4, 0), le(2, count), le(2, count), le(4, directoryBytes),
                le(4, at), le(2, 0));
        return file.toByteArray();
    }

    /** The same with a directory of 64 bits, and sizes and places of entries there too. */
    static byte[] zip64(String name, byte[] data, byte[] pickle, long claimed) {
        var file = new ByteArrayOutputStream();
        var directory = new ByteArrayOutputStream();
        for (int i = 0; i < 2; i++) {
            byte[] utf8 = latin1(i == 0 ? "m/data.pkl" : name);
            byte[] content = i == 0 ? pickle : data;
            long at = file.size();
            all(file, latin1("PK\3\4"), le(2, 45), new byte[12], le(4, -1), le(4, -1), le(2, utf8.length), le(2, 0), utf8, content);
            all(directory, latin1("PK\1\2"), new byte[16], le(4, -1), le(4, -1), le(2, utf8.length), le(2, 4 + 24 + 5), new byte[10], le(4, -1), utf8,
                    le(2, 9), le(2, 1), new byte[1], le(2, 1), le(2, 24), le(8, i == 0 ? content.length : claimed),
                    le(8, i == 0 ? content.length : claimed), le(8, at));
        }
        long at = file.size();
        file.writeBytes(directory.toByteArray());
        long end = file.size();
        all(file, latin1("PK\6\6"), le(8, 44), new byte[12], le(8, 2), le(8, 2), le(8, directory.size()), le(8, at), latin1("PK\6\7"), le(4, 0),
                le(8, end), le(4, 1), latin1("PK\5\6"), le(4, -1), le(2, -1), le(2, -1), le(4, -1), le(4, -1), le(2, 0));
        return file.toByteArray();
    }

    private static void all(ByteArrayOutputStream to, byte[]... parts) {
        for (byte[] part : parts) {
            to.writeBytes(part);
        }
    }

    /** Opcodes of a pickle. */
    static final class Ops {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Ops raw(int... bytes) {
            for (int b : bytes) {
                out.write(b);
            }
            return this;
        }

        Ops raw(String latin1) {
            out.writeBytes(latin1(latin1));
            return this;
        }

        Ops text(String text) {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            all(out, latin1("X"), le(4, utf8.length), utf8);
            return this;
        }

        Ops global(String module, String name) {
            return raw("c" + module + "\n" + name + "\n");
        }

        Ops number(long n) {
            all(out, new byte[] {(byte) 0x8a, 8}, le(8, n));
            return this;
        }

        Ops numbers(List<Long> values) {
            raw("(");
            values.forEach(this::number);
            return raw("t");
        }

        /** A call of _rebuild_tensor_v2. */
        Ops tensor(String storage, String key, long elements, long offset, List<Long> shape, List<Long> strides) {
            global("torch._utils", "_rebuild_tensor_v2").raw("((").text("storage").global("torch", storage).text(key).text("cpu").number(elements)
                    .raw("tQ").number(offset);
            return numbers(shape).numbers(strides).raw(0x89).global("collections", "OrderedDict").raw(")RtR");
        }

        byte[] bytes() {
            return out.toByteArray();
        }
    }

    /** A dictionary with one key and what the ops leave on the stack. */
    static byte[] dict(Ops value) {
        return new Ops().raw(0x80, 2).raw("}").text("x").raw(new String(value.bytes(), StandardCharsets.ISO_8859_1)).raw("s.").bytes();
    }

    /** A whole file with this pickle and one storage. */
    static byte[] of(byte[] pickle, int storageBytes) {
        return new TorchFile().entry("m/data.pkl", pickle).entry("m/byteorder", latin1("little")).entry("m/data/0", new byte[storageBytes])
                .entry("m/version", latin1("3\n")).bytes();
    }

    /** Strides of values one after another. */
    static List<Long> contiguous(List<Long> shape) {
        var strides = new ArrayList<Long>();
        long n = 1;
        for (long d : shape.reversed()) {
            strides.addFirst(n);
            n *= d;
        }
        return strides;
    }
}
