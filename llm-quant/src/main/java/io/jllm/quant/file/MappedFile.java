package io.jllm.quant.file;

import io.jllm.quant.FormatException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Maps files into memory for the readers of all formats. */
public final class MappedFile {
    private MappedFile() {
    }

    /** Makes sense of a mapped file. */
    @FunctionalInterface
    public interface Reader<T> {
        /**
         * Reads it.
         *
         * @param name the file, for messages
         * @param arena owns the mapping; the result closes it
         * @param bytes the whole file
         */
        T read(String name, Arena arena, MemorySegment bytes);
    }

    /**
     * Maps a file and has it read; what was mapped is given back if that fails.
     *
     * @param kind what the file should be, for the message about a folder
     * @throws IOException if the file cannot be read
     * @throws FormatException if it is a folder, or as the reader says
     */
    public static <T> T open(Path path, String kind, Reader<T> reader) throws IOException {
        if (Files.isDirectory(path)) {
            throw new FormatException(path.toString(), "the path", "is a folder; a " + kind + " file is wanted");
        }
        Arena arena = Arena.ofShared();
        boolean opened = false;
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            T open = reader.read(path.toString(), arena, bytes);
            opened = true;
            return open;
        } finally {
            if (!opened) {
                arena.close();
            }
        }
    }
}
