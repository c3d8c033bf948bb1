package io.jllm.quant.pytorch;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.quant.Broken;
import io.jllm.quant.Codec;
import io.jllm.quant.pytorch.TorchFile.Ops;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BrokenPytorchTest {
    private static final long[] ABSURD = {-1, Long.MAX_VALUE, Integer.MAX_VALUE, 100_000};

    private final Broken broken = new Broken("broken.bin", BrokenPytorchTest::readAll);

    private static void readAll(byte[] bytes) {
        try (var file = new PytorchFile("broken.bin", Arena.ofConfined(), MemorySegment.ofArray(bytes))) {
            for (var t : file.tensors().values()) {
                if (Codec.of(t.type()).isPresent()) {
                    t.decode(0, Math.toIntExact(t.rows()), new float[Math.toIntExact(t.rows() * t.cols())], 0);
                }
            }
        }
    }

    private void refused(Ops value, String what, String... words) throws IOException {
        broken.refused(TorchFile.of(TorchFile.dict(value), 24), what, words);
    }

    private void opens(byte[] bytes, String what) throws IOException {
        broken.attempt(bytes, what).ifPresent(m -> {
            throw new AssertionError(what + ": " + m);
        });
    }

    private static Ops tensor(long elements, long offset, List<Long> shape, List<Long> strides) {
        return new Ops().tensor("FloatStorage", "0", elements, offset, shape, strides);
    }

    @Test
    void truncatedAnywhere() throws IOException {
        for (byte[] whole : List.of(PytorchFileTest.resource("tensors.bin"), TorchFile.of(TorchFile.dict(tensor(6, 0, List.of(6L), List.of(1L))), 24))) {
            opens(whole, "whole");
            for (int n = 0; n < whole.length; n++) {
                broken.refused(Arrays.copyOf(whole, n), "cut to " + n);
            }
        }
    }

    @Test
    void picklesTruncatedAnywhere() throws IOException {
        byte[] pickle = TorchFile.dict(tensor(6, 0, List.of(2L, 3L), List.of(3L, 1L)));
        opens(TorchFile.of(pickle, 24), "whole");
        for (int n = 0; n < pickle.length; n++) {
            broken.refused(TorchFile.of(Arrays.copyOf(pickle, n), 24), "pickle cut to " + n, "data.pkl");
        }
    }

    @Test
    void absurdNumbersAndDamageAnywhere() throws IOException {
        byte[] whole = PytorchFileTest.resource("tensors.bin");
        for (int at = 0; at < whole.length - 8; at++) {
            for (long value : ABSURD) {
                broken.attempt(Broken.withLong(whole, at, value), value + " at " + at);
            }
        }
        var random = new Random(44);
        int opened = 0;
        for (int round = 0; round < 5000; round++) {
            byte[] bytes = whole.clone();
            for (int n = random.nextInt(1, 4); n > 0; n--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            opened += broken.attempt(bytes, "round " + round).isEmpty() ? 1 : 0;
        }
        assertTrue(opened > 100 && opened < 4900, opened + " of 5000 opened: the damage tests nothing");
    }

    @Test
    void tensors() throws IOException {
        opens(TorchFile.of(TorchFile.dict(tensor(6, 0, List.of(2L, 3L), List.of(3L, 1L))), 24), "good");
        opens(TorchFile.of(TorchFile.dict(tensor(6, 0, List.of(2L, 1L, 3L), List.of(3L, 77L, 1L))), 24), "any stride of one");
        opens(TorchFile.of(TorchFile.dict(tensor(6, 6, List.of(0L, 3L), List.of(5L, 9L))), 24), "nothing at the end");
        refused(tensor(6, 1, List.of(2L, 3L), List.of(3L, 1L)), "behind the end", "tensor x", "begins at value 1 of a storage of 6");
        refused(tensor(6, -1, List.of(2L), List.of(1L)), "a negative offset", "tensor x", "begins at value -1");
        refused(tensor(6, Long.MAX_VALUE, List.of(2L), List.of(1L)), "a huge offset", "tensor x");
        refused(tensor(5, 0, List.of(2L), List.of(1L)), "a storage of another size", "storage 0 of 5 values of 4 bytes, whose entry has 24");
        refused(tensor(-6, 0, List.of(2L), List.of(1L)), "a negative storage", "persistent id");
        refused(tensor(6, 0, List.of(3L, 2L), List.of(1L, 3L)), "transposed", "is stored transposed", "contiguous()");
        refused(tensor(6, 0, List.of(6L), List.of(0L)), "expanded", "strides [0]");
        refused(tensor(6, 0, List.of(3L), List.of(2L)), "every other one", "strides [2]");
        refused(tensor(6, 0, List.of(1L << 32, 1L << 32), List.of(1L << 32, 1L)), "2^64 values", "more values than any file holds");
        refused(tensor(6, 0, List.of(1L << 60, 0L, 1L << 60), List.of(0L, 0L, 1L)), "2^60 x 0 x 2^60", "more values than any file holds");
        refused(tensor(6, 0, List.of(-2L, -3L), List.of(1L, 1L)), "negative dimensions", "a shape");
        refused(tensor(6, 0, List.of(2L, 3L), List.of(1L)), "too few strides", "2 dimensions and 1 strides");
        refused(new Ops().tensor("FloatStorage", "1", 6, 0, List.of(6L), List.of(1L)), "no such storage", "storage 1, which is not in the archive");
        refused(new Ops().tensor("FloatStorage", "../0", 6, 0, List.of(6L), List.of(1L)), "a path", "storage ../0, which is not in the archive");
        refused(new Ops().tensor("QInt8Storage", "0", 6, 0, List.of(6L), List.of(1L)), "an unknown storage", "torch.QInt8Storage, which is not read");
    }

    @Test
    void nothingElseIsRead() throws IOException {
        refused(new Ops().global("os", "system").raw("(").text("true").raw("tR"), "os.system", "data.pkl names os.system, which is not read");
        refused(new Ops().global("builtins", "eval").raw("(").text("1").raw("tR"), "eval", "builtins.eval");
        refused(new Ops().raw("cposix\nsystem\n"), "posix.system", "posix.system");
        refused(new Ops().text("os").text("system").raw(0x93), "by the newer opcode", "os.system");
        refused(new Ops().global("torch", "FloatStorage").raw(")R"), "a call of a storage", "calls torch.FloatStorage");
        refused(new Ops().global("collections", "OrderedDict").raw("(").text("a").raw("tR"), "a filled dictionary", "calls collections.OrderedDict");
        refused(new Ops().raw("ios\nsystem\n"), "INST", "opcode 0x69 ('i')");
        refused(new Ops().raw("}" + "}" + "R"), "a call of a dictionary", "calls a dictionary with a dictionary");
        refused(new Ops().raw(0x82, 1), "an extension", "opcode 0x82");
        refused(new Ops().raw("P0\n"), "a persistent id in text", "opcode 0x50 ('P')");
        refused(new Ops().raw("cabc"), "a name without an end", "a name without an end");
        refused(new Ops().raw("c" + "x".repeat(300) + "\n"), "a long name", "more than 256 bytes");
        for (int op : "ab.cdeghijlopqrstuFIJKLMNPQRSTUVX[](){}".chars().toArray()) {
            broken.attempt(TorchFile.of(new byte[] {(byte) 0x80, 2, (byte) op, '.'}, 24), "opcode " + (char) op);
        }
    }

    @Test
    void stacks() throws IOException {
        refused(new Ops().raw("q\0" + "h\1"), "an unknown memo", "recalls value 1");
        refused(new Ops().raw("t"), "no mark", "since a mark");
        refused(new Ops().raw("(R"), "an empty call", "takes 2 values from a stack of 0");
        refused(new Ops().raw("K\1" + "K\2" + "s"), "no dictionary", "puts 2 keys and values into a string");
        refused(new Ops().raw("}(").text("a").raw("u"), "a key alone", "puts 1 keys and values");
        refused(new Ops().raw("}K\1K\1s"), "a number as key", "a whole number for a key");
        refused(new Ops().raw("}").text("a").raw("N").raw("s").text("a").raw("Ns"), "a key twice", "the key a twice");
        refused(new Ops().raw("K\1}b"), "attributes of a number", "sets the state of a whole number");
        refused(new Ops().raw(0x8a, 9).raw("\0\0\0\0\0\0\0\0\1"), "a long number", "65 bits");
        refused(new Ops().raw("X\u00ff\u00ff\u00ff\u00ff"), "a text of 4 GiB", "needs 4294967295 more bytes");
        broken.refused(TorchFile.of(new Ops().raw(0x80, 6).raw("}.").bytes(), 0), "protocol 6", "protocol 6");
        broken.refused(TorchFile.of(new Ops().raw("}").raw(0x80, 2).raw("K\1.").bytes(), 0), "a number at the end", "holds a whole number");
        opens(TorchFile.of(new Ops().raw(0x80, 2).raw("}.").bytes(), 0), "nothing in it");
        // nested deeply, and holding itself
        opens(TorchFile.of(TorchFile.dict(new Ops().raw(")" + "\u0085".repeat(20_000))), 0), "tuples in tuples");
        opens(TorchFile.of(new Ops().raw(0x80, 2).raw("}q\0").text("a").raw("h\0s.").bytes(), 0), "a dictionary in itself");
        refused(new Ops().raw(")" + "\u0085".repeat(20_000) + "}R"), "a call of nested tuples", "calls a tuple with a dictionary");
    }

    @Test
    void archives() throws IOException {
        byte[] pickle = TorchFile.dict(tensor(6, 0, List.of(6L), List.of(1L)));
        broken.refused(new TorchFile().entry("m/other", new byte[3]).bytes(), "no pickle", "the archive has no data.pkl");
        broken.refused(new TorchFile().bytes(), "no entries", "the archive has no data.pkl");
        broken.refused(new TorchFile().entry("m/data.pkl", pickle).entry("m/data.pkl", pickle).bytes(), "an entry twice", "entry m/data.pkl appears twice");
        broken.refused(new TorchFile().entry("m/data.pkl", pickle).entry("m/byteorder", "big".getBytes(StandardCharsets.US_ASCII)).bytes(),
                "big-endian", "byteorder is \"big\"; only little-endian");
        broken.refused(new TorchFile().entry("m/data.pkl", pickle, 8, 100, pickle.length, 0).bytes(), "deflated", "is compressed (method 8)");
        broken.refused(new TorchFile().entry("m/data.pkl", pickle, 0, 1 << 20, 1 << 20, 0).bytes(), "too long", "claims 1048576 bytes", "cut short");
        broken.refused(new TorchFile().entry("m/data.pkl", pickle, 0, 5, 6, 0).bytes(), "two sizes", "claims 5 bytes, 6 stored");
        broken.refused(new TorchFile().entry("m/data.pkl", pickle, 0, 5, 5, 7).bytes(), "elsewhere", "has no header at 7");
        broken.refused(new TorchFile().entry("m/data.pkl", pickle).entry("m/data/0", new byte[24], 0, 24, 24, 0).bytes(), "overlap",
                "inside m/data");
        broken.refused(new TorchFile().entry("m/data.pkl", pickle).bytes(65535, 46 * 65535, 0), "65535 entries", "claims a directory of 65535 entries");
        broken.refused(new TorchFile().entry("m/data.pkl", pickle).bytes(1, 1 << 30, 10), "a large directory", "claims a directory of 1 entries");
        broken.refused(new TorchFile().entry("m/data.pkl", pickle).bytes(1, 50, 3), "a directory elsewhere", "no directory entry at 3");
        opens(TorchFile.zip64("m/data/0", new byte[24], pickle, 24), "zip64");
        broken.refused(TorchFile.zip64("m/data/0", new byte[24], pickle, 1L << 62), "zip64 beyond the end", "entry m/data/0", "claims 4611686018427387904");
        broken.refused(TorchFile.zip64("m/data/0", new byte[24], pickle, -1), "zip64 negative", "entry m/data/0", "claims 18446744073709551615");
        byte[] end = TorchFile.zip64("m/data/0", new byte[24], pickle, 24);
        broken.refused(Broken.withLong(end, end.length - 22 - 12, 1L << 60), "zip64 directory elsewhere", "has no directory at 1152921504606846976");
    }
}
