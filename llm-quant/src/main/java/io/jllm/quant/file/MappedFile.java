package io.jllm.quant.file;

import io.jllm.quant.FormatException;
import io.jllm.quant.file.FileKind.Wanted;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;

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
     * @param wanted what the file should be, for messages about what is none
     * @throws IOException if the file cannot be read
     * @throws FormatException if it is a folder, a device or lies where nothing can be mapped, or as the reader says
     */
    public static <T> T open(Path path, Wanted wanted, Reader<T> reader) throws IOException {
        check(path, wanted);
        Arena arena = Arena.ofShared();
        boolean opened = false;
        try (FileChannel channel = channel(path)) {
            MemorySegment bytes = map(channel, path, arena);
            T open = read(path, wanted, reader, arena, bytes);
            opened = true;
            return open;
        } finally {
            if (!opened) {
                arena.close();
            }
        }
    }

    private static <T> T read(Path path, Wanted wanted, Reader<T> reader, Arena arena, MemorySegment bytes) {
        try {
            return reader.read(path.toString(), arena, bytes);
        } catch (FormatException e) {
            throw FileKind.of(path, wanted).map(kind -> new FormatException(path.toString(), "the file", kind, e)).orElse(e);
        }
    }

    /**
     * Checks that a path leads to a file, before anything waits for the other end of a pipe.
     *
     * @throws IOException if nothing is there, or it cannot be looked at
     * @throws FormatException if it is something else, or a link that leads nowhere
     */
    public static void check(Path path, Wanted wanted) throws IOException {
        check(path, wanted.toString());
    }

    /**
     * As {@link #check(Path, Wanted)}, of a file that is called otherwise.
     *
     * @throws IOException if nothing is there, or it cannot be looked at
     * @throws FormatException if it is something else, or a link that leads nowhere
     */
    public static void check(Path path, String wanted) throws IOException {
        BasicFileAttributes attributes;
        try {
            attributes = Files.readAttributes(path, BasicFileAttributes.class);
        } catch (NoSuchFileException e) {
            if (Files.isSymbolicLink(path)) {
                throw new FormatException(path.toString(), "the path", "is a link to " + Files.readSymbolicLink(path)
                        + ", where nothing is: copy models with what their links lead to (cp -L), or download the file again", e);
            }
            throw e;
        }
        if (attributes.isDirectory()) {
            throw new FormatException(path.toString(), "the path", "is a folder; a " + wanted + " file is wanted");
        }
        if (!attributes.isRegularFile()) {
            throw new FormatException(path.toString(), "the path", "is neither a file nor a folder, but a pipe, a socket or a device: "
                    + "copy what it gives to a file first");
        }
    }

    private static FileChannel channel(Path path) throws IOException {
        if (path.getFileSystem().provider().getScheme().equalsIgnoreCase("jar")) {
            throw unmappable(path, null); // asked for a channel, it would unpack the file, of any size, and then refuse to map it
        }
        try {
            return FileChannel.open(path, StandardOpenOption.READ);
        } catch (UnsupportedOperationException e) {
            throw unmappable(path, e);
        }
    }

    private static MemorySegment map(FileChannel channel, Path path, Arena arena) throws IOException {
        try {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        } catch (UnsupportedOperationException e) {
            throw unmappable(path, e);
        } catch (IOException e) {
            if (e.getCause() instanceof OutOfMemoryError) {
                throw new IOException(path + " cannot be mapped into memory: the address space that is left to this process has no room for "
                        + channel.size() + " bytes. Raise its limit (ulimit -v); a smaller heap (-Xmx) leaves more", e);
            }
            throw e;
        }
    }

    private static FormatException unmappable(Path path, Throwable cause) {
        return new FormatException(path.toString(), "the path", "lies in a file system (" + path.getFileSystem().provider().getScheme()
                + ") whose files cannot be mapped into memory: copy the model to a folder on disk first", cause);
    }
}
