package io.jllm.json;

import io.jllm.ModelLoadException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** What keeps files from being read, said to people. */
public final class FileErrors {
    private FileErrors() {
    }

    /** A file of a model cannot be read. */
    public static ModelLoadException of(Path path, IOException e) {
        return switch (e) {
            case NoSuchFileException missing -> new ModelLoadException("there is no file " + missing.getFile()
                    + ": give a GGUF file or a Hugging Face model folder", e);
            case AccessDeniedException denied -> new ModelLoadException("no permission to read " + denied.getFile()
                    + ": change its permissions and those of the folders above it, or run as a user who may read it", e);
            case FileSystemException f when String.valueOf(f.getReason()).contains("symbolic links") -> new ModelLoadException(
                    "cannot read " + f.getFile() + ": it is a link in a circle of links, which leads nowhere; remove it", e);
            case FileSystemException f when f.getReason() != null -> new ModelLoadException("cannot read " + f.getFile() + ": "
                    + f.getReason(), e);
            default -> new ModelLoadException("cannot read " + path + ": " + (e.getMessage() == null ? e.toString() : e.getMessage()), e);
        };
    }

    /** The file system that a path belongs to is closed. */
    public static ModelLoadException of(Path path, ClosedFileSystemException e) {
        return new ModelLoadException("cannot read " + path + ": its file system is closed; open it again, and copy the model to a folder "
                + "on disk, as files inside archives cannot be mapped into memory", e);
    }

    /** The Java heap has no room for what a file holds. */
    public static ModelLoadException of(Path path, OutOfMemoryError e) {
        return new ModelLoadException("the Java heap of " + (Runtime.getRuntime().maxMemory() >> 20) + " MiB is too small to read " + path
                + " (" + e.getMessage() + "): raise -Xmx", e);
    }

    /** Whether a part of a mapped file was not there when it was read. The JVM has no error of its own for it: its words tell. */
    public static boolean isLost(Throwable t) {
        return t instanceof InternalError && String.valueOf(t.getMessage()).contains("unsafe memory access");
    }

    /** A part of a mapped file of a model was not there when it was read. */
    public static ModelLoadException lost(Path path, Throwable e) {
        return new ModelLoadException("a file of " + path + " was cut short, or its disk failed, while it was read: leave the files of a model alone "
                + "while it is loaded and used; replace them by renaming new ones", e);
    }
}
