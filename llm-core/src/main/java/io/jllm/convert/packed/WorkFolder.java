package io.jllm.convert.packed;

import io.jllm.convert.ImportanceMatrix;
import io.jllm.convert.SourceStamp;
import io.jllm.quant.safetensors.SafetensorsWriter;
import io.jllm.quant.safetensors.StoredTensor;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Where a folder is put together: {@code .NAME.part} beside it. It has a file that says what for, the inputs of the layer that is next, a file for
 * each layer that is done, and at last the result. A layer is done when its file is there; the inputs of the next one are written before.
 */
final class WorkFolder implements AutoCloseable {
    private static final String PURPOSE = "purpose";

    private final Path out;
    private final Path folder;
    private final FileChannel channel;

    private WorkFolder(Path out, Path folder, FileChannel channel) {
        this.out = out;
        this.folder = folder;
        this.channel = channel;
    }

    /**
     * Opens the one of a result, and empties it if what was begun there is something else.
     *
     * @throws IOException if the result is there already, or another process makes it, or nothing can be written there
     */
    static WorkFolder open(Path model, Path out, PackMethod method, FolderQuantizer.Text text) throws IOException {
        Path target = out.toAbsolutePath();
        if (target.getParent() == null || !Files.isDirectory(target.getParent())) {
            throw new IOException("cannot write " + out + ": its folder does not exist");
        }
        if (Files.exists(target) && !isEmptyFolder(target)) {
            throw new IOException("cannot write " + out + ": it is there already; delete it, or give another name");
        }
        Path folder = target.resolveSibling("." + target.getFileName() + ".part");
        String purpose = purpose(model, method, text);
        Files.createDirectories(folder);
        var channel = FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        boolean done = false;
        try {
            lock(channel, out);
            Path said = folder.resolve(PURPOSE);
            if (!Files.exists(said) || !Files.readString(said).equals(purpose)) {
                try (var files = Files.list(folder)) {
                    for (Path file : files.filter(f -> !f.endsWith("lock")).toList()) {
                        delete(file);
                    }
                }
                Files.writeString(said, purpose);
            }
            delete(folder.resolve("result"));
            done = true;
            return new WorkFolder(target, folder, channel);
        } finally {
            if (!done) {
                channel.close();
            }
        }
    }

    private static boolean isEmptyFolder(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            return false;
        }
        try (var files = Files.list(path)) {
            return files.findAny().isEmpty();
        }
    }

    private static void lock(FileChannel channel, Path out) throws IOException {
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return;
            }
        } catch (OverlappingFileLockException e) {
            throw new IOException(out + " is being written already, by this process", e);
        }
        throw new IOException(out + " is being written already, by another process");
    }

    /** What tells a result from all others. */
    private static String purpose(Path model, PackMethod method, FolderQuantizer.Text text) throws IOException {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.content().getBytes(StandardCharsets.UTF_8));
            return SourceStamp.of(model, ImportanceMatrix.NONE) + method + "\n" + text.chunk() + " " + text.most() + " "
                    + HexFormat.of().formatHex(digest) + "\n";
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }

    /** How many of so many layers are done. */
    int done(int layers) {
        return (int) IntStream.range(0, layers).takeWhile(l -> Files.exists(layer(l))).count();
    }

    /** The file of what a layer is given. */
    Path inputs(int layer) {
        return folder.resolve("inputs-" + layer);
    }

    /** The files of all layers. */
    List<Path> layers(int layers) {
        return IntStream.range(0, layers).mapToObj(this::layer).toList();
    }

    private Path layer(int layer) {
        return folder.resolve("layer-" + layer + ".safetensors");
    }

    /** A layer is done. */
    void add(int layer, List<StoredTensor> tensors) throws IOException {
        SafetensorsWriter.write(layer(layer), tensors);
    }

    /** Where the result is put together: an empty folder. */
    Path result() throws IOException {
        return Files.createDirectories(folder.resolve("result"));
    }

    /** Gives the result its name, and deletes the rest. */
    void finish() throws IOException {
        Files.deleteIfExists(out); // an empty folder
        Files.move(folder.resolve("result"), out);
        channel.close();
        delete(folder);
    }

    /** Deletes a file, or a folder with all that is in it, if it is there. */
    private static void delete(Path path) throws IOException {
        if (!Files.exists(path)) {
            return;
        }
        Files.walkFileTree(path, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path dir, IOException e) throws IOException {
                if (e != null) {
                    throw e;
                }
                Files.delete(dir);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** Leaves what has been computed, if anything has. */
    @Override
    public void close() throws IOException {
        channel.close();
        if (Files.exists(folder) && !Files.exists(inputs(0)) && !Files.exists(layer(0))) {
            delete(folder);
        }
    }
}
