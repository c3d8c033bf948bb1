package io.jllm.convert.packed.layer;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** A file of what a layer is given for all tokens: floats in the order of this machine, which alone reads it. */
public final class HiddenFile {
    private HiddenFile() {
    }

    /** Computes what the file is to hold. */
    @FunctionalInterface
    public interface Writer {
        /** Gives all of it to a taker. */
        void write(LayerRunner.Taker taker) throws IOException;
    }

    /**
     * Writes a file, which appears under its name when it is whole.
     *
     * @param width floats a token
     */
    public static void write(Path out, int width, Writer writer) throws IOException {
        Path part = out.resolveSibling(out.getFileName() + ".part");
        try (var channel = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            writer.write((rows, count) -> {
                ByteBuffer bytes = rows.asSlice(0, (long) count * width * Float.BYTES).asByteBuffer();
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
            });
            channel.force(true);
        }
        Files.move(part, out, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Maps a file. */
    public static MemorySegment map(Path file, Arena arena) throws IOException {
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        }
    }
}
