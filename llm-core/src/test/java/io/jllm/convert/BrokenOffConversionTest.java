package io.jllm.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.quant.DType;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.quant.gguf.GgufWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Conversions whose JVM dies in the middle. */
class BrokenOffConversionTest {
    private static final int TENSORS = 6;
    private static final int SIDE = 768;
    private static final int KILLED_AFTER = 3;

    @TempDir
    private Path dir;

    private Path model;
    private Path out;
    private Path part;
    private Path journal;

    @BeforeEach
    void model() throws IOException {
        model = dir.resolve("model.gguf");
        out = dir.resolve("out.gguf");
        part = dir.resolve(".out.gguf.part");
        journal = dir.resolve(".out.gguf.part.journal");
        var entries = new ArrayList<GgufWriter.TensorEntry>();
        for (int i = 0; i < TENSORS; i++) {
            var random = new Random(i);
            entries.add(new GgufWriter.TensorEntry("blk." + i + ".ffn_up.weight", DType.F32, List.of((long) SIDE, (long) SIDE), channel -> {
                var bytes = ByteBuffer.allocate(SIDE * SIDE * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
                while (bytes.hasRemaining()) {
                    bytes.putFloat((float) random.nextGaussian());
                }
                channel.write(bytes.flip());
            }));
        }
        GgufWriter.write(model, Map.of("general.architecture", new GgufValue.Text("llama")), entries, GgufWriter.Progress.NONE);
    }

    /** Converts a file, and dies when so many tensors are written, if it comes to that. */
    public static void main(String[] args) throws IOException {
        var written = new ArrayList<String>();
        Converter.convert(Path.of(args[0]), Path.of(args[1]), Converter.Options.of(DType.F16), (tensor, _, _) -> {
            written.add(tensor);
            if (written.size() == Integer.parseInt(args[2])) {
                Runtime.getRuntime().halt(9);
            }
        });
    }

    private List<String> child(int killedAfter) {
        return List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx128m", "--enable-native-access=ALL-UNNAMED",
                "-cp", System.getProperty("java.class.path"), BrokenOffConversionTest.class.getName(), model.toString(), out.toString(),
                Integer.toString(killedAfter));
    }

    private void breakOff() throws Exception {
        var process = new ProcessBuilder(child(KILLED_AFTER)).inheritIO().start();
        assertEquals(9, process.waitFor());
        assertFalse(Files.exists(out), "it appears when it is whole");
        assertTrue(Files.exists(part));
    }

    private List<String> convert(Path to, DType type) throws IOException {
        var written = new ArrayList<String>();
        Converter.convert(model, to, Converter.Options.of(type), (tensor, _, _) -> written.add(tensor));
        return written;
    }

    private byte[] whole(DType type) throws IOException {
        Path other = dir.resolve("whole-" + type + ".gguf");
        assertEquals(TENSORS, convert(other, type).size());
        return Files.readAllBytes(other);
    }

    private void nothingIsLeft() {
        assertFalse(Files.exists(part) || Files.exists(journal));
    }

    @Test
    void itGoesOnFromWhatIsWhole() throws Exception {
        breakOff();
        assertEquals(List.of("blk.2.ffn_up.weight", "blk.3.ffn_up.weight", "blk.4.ffn_up.weight", "blk.5.ffn_up.weight"), convert(out, DType.F16),
                "the last that was whole, and those after it");
        assertArrayEquals(whole(DType.F16), Files.readAllBytes(out));
        nothingIsLeft();
    }

    @Test
    void whatWasBegunForAnotherResultOrSourceIsBegunAnew() throws Exception {
        breakOff();
        assertEquals(TENSORS, convert(out, DType.Q8_0).size());
        assertArrayEquals(whole(DType.Q8_0), Files.readAllBytes(out));
        Files.delete(out);
        breakOff();
        Files.setLastModifiedTime(model, FileTime.fromMillis(1_000));
        assertEquals(TENSORS, convert(out, DType.F16).size());
        nothingIsLeft();
    }

    /** A machine that loses power may leave a line half written, and data that the journal does not know. */
    @Test
    void damagedLeftovers() throws Exception {
        byte[] want = whole(DType.F16);
        breakOff();
        String lines = Files.readString(journal);
        Files.writeString(journal, lines.substring(0, lines.length() - 2));
        assertEquals(TENSORS - 1, convert(out, DType.F16).size(), "one more is written again");
        assertArrayEquals(want, Files.readAllBytes(out));
        Files.delete(out);
        breakOff();
        try (var channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
            channel.truncate(channel.size() / 2);
        }
        assertEquals(TENSORS, convert(out, DType.F16).size());
        assertArrayEquals(want, Files.readAllBytes(out));
        Files.write(journal, new byte[] {1, 2, 3, (byte) 0xFF});
        Files.write(part, new byte[100]);
        convert(out, DType.F16);
        assertArrayEquals(want, Files.readAllBytes(out));
        nothingIsLeft();
    }

    /** A limit on the size of files has writing fail in the middle as a full disk does; the shell counts it in halves of a KiB. */
    @Test
    void aFullDisk() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "skipped: a shell sets the limit");
        var command = new ArrayList<>(List.of("/bin/sh", "-c", "ulimit -f 6000 && exec \"$@\"", "sh"));
        command.addAll(child(TENSORS));
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(1, process.waitFor(), said);
        assertTrue(said.contains("java.io.IOException: cannot write " + out + ": File too large; "), said);
        assertTrue(said.contains(" are in " + part + ": the same call goes on from there"), said);
        assertFalse(Files.exists(out), "it appears when it is whole");
        Files.write(out, new byte[] {1});
        assertEquals(TENSORS - 1, convert(out, DType.F16).size(), "two were whole, of which the last is told of again");
        assertArrayEquals(whole(DType.F16), Files.readAllBytes(out));
        nothingIsLeft();
    }

    @Test
    void placesThatTakeNoFiles() throws IOException {
        for (Path folder : List.of(Path.of("/proc"), Files.createDirectory(dir.resolve("mine")))) {
            Path file = folder.resolve("x.gguf");
            if (folder.startsWith(dir)) {
                folder.toFile().setWritable(false);
            }
            if (Files.isDirectory(folder) && (!Files.isWritable(folder) || folder.endsWith("proc"))) { // whoever may do anything may write
                for (Executable attempt : List.<Executable>of(() -> convert(file, DType.F16), () -> GgufWriter.check(file))) {
                    var e = assertThrows(IOException.class, attempt);
                    assertTrue(e.getMessage().startsWith("cannot write " + file + ": ") && e.getMessage().endsWith(" in " + folder), e.getMessage());
                }
            }
        }
        var e = assertThrows(IOException.class, () -> GgufWriter.check(dir.resolve("none/x.gguf")));
        assertEquals("cannot write " + dir.resolve("none/x.gguf") + ": its folder does not exist", e.getMessage());
        e = assertThrows(IOException.class, () -> GgufWriter.check(dir));
        assertEquals("cannot write " + dir + ": it is a folder", e.getMessage());
        GgufWriter.check(out);
        assertFalse(Files.exists(out));
    }

    @Test
    void twoAtOnceAreRefused() throws Exception {
        try (var channel = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE); var lock = channel.lock()) {
            assertTrue(lock.isValid());
            var e = assertThrows(IOException.class, () -> convert(out, DType.F16));
            assertTrue(e.getMessage().contains("is being written already"), e.getMessage());
            assertTrue(Files.exists(part), "it belongs to the other");
        }
        convert(out, DType.F16);
        nothingIsLeft();
    }
}
