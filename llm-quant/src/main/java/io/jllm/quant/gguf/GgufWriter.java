package io.jllm.quant.gguf;

import io.jllm.quant.DType;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * Writes GGUF files of version 3. The data of a tensor comes in pieces from a callback, so that no model need fit the heap. The
 * file appears under its name only when it is whole.
 */
public final class GgufWriter {
    /** ggml keeps 63 bytes of a name and a zero; a file with longer ones would open nowhere else. */
    static final int MAX_TENSOR_NAME = 63;

    private GgufWriter() {
    }

    /** Writes the data of one tensor. */
    @FunctionalInterface
    public interface DataWriter {
        /**
         * Writes all bytes of the tensor, {@code type.bytes(elements)}, in as many pieces as it likes. Each call of the channel's
         * {@code write} takes the whole piece.
         *
         * @throws IOException if reading or writing fails; the file is then not made
         */
        void write(WritableByteChannel out) throws IOException;
    }

    /** Told of each tensor that has been written, on the writing thread. */
    @FunctionalInterface
    public interface Progress {
        /** Tells nobody. */
        Progress NONE = (tensor, done, total) -> { };

        /**
         * A tensor is written.
         *
         * @param tensor its name
         * @param bytesDone bytes of tensor data written so far
         * @param bytesTotal bytes of tensor data in all
         */
        void written(String tensor, long bytesDone, long bytesTotal);
    }

    /**
     * A tensor to be written.
     *
     * @param name its name, 1 to 63 bytes
     * @param type storage type
     * @param shape one to four dimensions of at least 1, the contiguous one first: a matrix of {@code rows} by {@code cols} has
     *     {@code [cols, rows]}
     * @param data writes its bytes
     */
    public record TensorEntry(String name, DType type, List<Long> shape, DataWriter data) {
        /**
         * Checks name and shape.
         *
         * @throws IllegalArgumentException if they break a limit
         */
        public TensorEntry {
            shape = List.copyOf(shape);
            int length = GgufOutput.utf8(name).length;
            if (length < 1 || length > MAX_TENSOR_NAME) {
                throw new IllegalArgumentException("tensor name \"" + name + "\" has " + length + " bytes, must have 1 to "
                        + MAX_TENSOR_NAME);
            }
            if (shape.isEmpty() || shape.size() > GgufHeader.MAX_DIMENSIONS || shape.stream().anyMatch(n -> n < 1)) {
                throw new IllegalArgumentException("tensor " + name + " has the shape " + shape + ", must have 1 to "
                        + GgufHeader.MAX_DIMENSIONS + " dimensions of at least 1");
            }
            if (type.ggmlId() < 0) {
                throw new IllegalArgumentException("tensor " + name + " is of type " + type + ", which GGUF files do not have");
            }
            if (shape.getFirst() % type.blockElements() != 0) {
                throw new IllegalArgumentException("tensor " + name + " has rows of " + shape.getFirst()
                        + " elements, which do not fill blocks of " + type.blockElements() + " (" + type + ")");
            }
            bytes(name, type, shape);
        }

        /** Bytes of its data. */
        public long bytes() {
            return bytes(name, type, shape);
        }

        private static long bytes(String name, DType type, List<Long> shape) {
            try {
                return type.bytes(shape.stream().reduce(1L, Math::multiplyExact));
            } catch (ArithmeticException e) {
                throw new IllegalArgumentException("tensor " + name + " of shape " + shape + " is larger than any file", e);
            }
        }
    }

    /**
     * Writes a file, replacing one of that name. Metadata and tensors keep their order. Tensors are aligned to {@code general.alignment}
     * where the metadata has it, else to 32 bytes.
     *
     * @param out where the file goes; its folder must exist
     * @throws IOException if writing fails, also where a {@link DataWriter} writes more or fewer bytes than its tensor has; nothing is
     *     left behind then, and a file that was there before is untouched
     * @throws IllegalArgumentException if a tensor name appears twice, a key is empty or too long, or the alignment is no power of two
     */
    public static void write(Path out, Map<String, GgufValue> metadata, List<TensorEntry> tensors, Progress progress) throws IOException {
        var plan = Plan.of(metadata, tensors);
        var target = new Target(out);
        Path part = target.beside("." + UUID.randomUUID() + ".part");
        try {
            try (var disk = target.open(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                plan.write(disk, 0, (_, _) -> { }, progress);
            }
            move(part, target.file());
        } catch (Target.Refused e) {
            throw target.failed(e, "");
        } finally {
            Files.deleteIfExists(part);
        }
    }

    /**
     * Checks that a file can be made there, for whoever has long to work before it is written.
     *
     * @throws IOException if not; the message says why
     */
    public static void check(Path out) throws IOException {
        var target = new Target(out);
        if (Files.isDirectory(out)) {
            throw new IOException("cannot write " + out + ": it is a folder");
        }
        Path part = target.beside("." + UUID.randomUUID() + ".part");
        target.open(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE).close();
    }

    /**
     * Writes a file as {@link #write} does, but so that a process that is killed, or a disk that is full, leaves what was written in
     * {@code .NAME.part} beside the file, and the same call goes on from there. What was begun for another header or another source is begun
     * anew. Where anything else fails nothing is left behind.
     *
     * @param source what tells the data of the tensors from those of others: names, sizes and times of the files that they come from
     * @throws IOException as {@link #write}, also where another process writes the same file
     */
    public static void resume(Path out, String source, Map<String, GgufValue> metadata, List<TensorEntry> tensors, Progress progress)
            throws IOException {
        var plan = Plan.of(metadata, tensors);
        var target = new Target(out);
        Path part = target.beside(".part");
        Path journal = target.beside(".part.journal");
        boolean own = false;
        try {
            try (var disk = target.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE); FileLock lock = lock(disk.channel(), out)) {
                own = lock.isValid();
                try (var made = new PartJournal(journal, disk, plan.fingerprint(source), tensors.stream().map(TensorEntry::name).toList())) {
                    plan.write(disk, made.whole(), made::add, progress);
                }
                disk.force();
            }
            move(part, target.file());
        } catch (Target.Refused e) {
            own = false;
            throw target.failed(e, "; " + Files.size(part) + " bytes of it, which takes " + plan.bytes() + " and more, are in " + part
                    + ": the same call goes on from there once there is room; without one, delete that");
        } finally {
            if (own) {
                Files.deleteIfExists(part);
                Files.deleteIfExists(journal);
            }
        }
    }

    private static FileLock lock(FileChannel channel, Path out) throws IOException {
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return lock;
            }
        } catch (OverlappingFileLockException e) {
            throw new IOException(out + " is being written already, by this process", e);
        }
        throw new IOException(out + " is being written already, by another process");
    }

    /** Told of a tensor that is written. */
    private interface Written {
        void add(String tensor, long bytes) throws IOException;
    }

    /** What goes where. */
    private record Plan(Map<String, GgufValue> metadata, List<TensorEntry> tensors, List<Long> offsets, long alignment) {
        static Plan of(Map<String, GgufValue> metadata, List<TensorEntry> tensors) {
            long alignment = GgufWriter.alignment(metadata);
            return new Plan(metadata, tensors, GgufWriter.offsets(tensors, alignment), alignment);
        }

        /** Bytes of the tensors. */
        long bytes() {
            return tensors.stream().mapToLong(TensorEntry::bytes).sum();
        }

        /** @param whole how many tensors are in the file already */
        void write(Target.Disk disk, int whole, Written written, Progress progress) throws IOException {
            var channel = disk.channel();
            var header = new GgufOutput(disk);
            header.header(metadata, tensors, offsets);
            header.pad(alignment);
            long start = header.position();
            long total = bytes();
            long done = 0;
            int from = 0;
            if (whole > 0) {
                long end = start + offsets.get(whole - 1) + tensors.get(whole - 1).bytes();
                if (channel.size() >= end) {
                    from = whole;
                    done = tensors.subList(0, whole).stream().mapToLong(TensorEntry::bytes).sum();
                    header.skipped(end - start);
                    progress.written(tensors.get(whole - 1).name(), done, total);
                }
            }
            channel.truncate(header.position());
            channel.position(header.position());
            for (int i = from; i < tensors.size(); i++) {
                TensorEntry t = tensors.get(i);
                header.zeros(start + offsets.get(i) - header.position());
                var data = new Bounded(disk, t.name(), t.bytes());
                t.data().write(data);
                data.finish();
                header.skipped(t.bytes());
                done += t.bytes();
                written.add(t.name(), t.bytes());
                progress.written(t.name(), done, total);
            }
            header.pad(alignment);
        }

        /** Of the header, which has all but the data, and the source of these. */
        String fingerprint(String source) throws IOException {
            try {
                var digest = MessageDigest.getInstance("SHA-256");
                var header = new GgufOutput(new Digesting(digest));
                header.header(metadata, tensors, offsets);
                header.pad(alignment);
                digest.update(GgufOutput.utf8(source));
                return HexFormat.of().formatHex(digest.digest());
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every JVM has SHA-256", e);
            }
        }
    }

    private static long alignment(Map<String, GgufValue> metadata) {
        return switch (metadata.get(GgufHeader.ALIGNMENT_KEY)) {
            case null -> GgufHeader.DEFAULT_ALIGNMENT;
            case GgufValue.Int i when i.type() == GgufValue.Type.UINT32 && GgufHeader.isAlignment(i.value()) -> i.value();
            case GgufValue v -> throw new IllegalArgumentException(GgufHeader.ALIGNMENT_KEY + " is " + v
                    + ", must be a UINT32 and a power of two up to " + GgufHeader.MAX_ALIGNMENT);
        };
    }

    private static List<Long> offsets(List<TensorEntry> tensors, long alignment) {
        var offsets = new ArrayList<Long>();
        var names = new HashSet<String>();
        long at = 0;
        for (TensorEntry t : tensors) {
            if (!names.add(t.name())) {
                throw new IllegalArgumentException("tensor " + t.name() + " is given twice");
            }
            offsets.add(at);
            try {
                at = Math.addExact(at, Math.addExact(t.bytes(), alignment - 1)) & -alignment;
            } catch (ArithmeticException e) {
                throw new IllegalArgumentException("the tensors up to " + t.name() + " are larger than any file", e);
            }
        }
        return offsets;
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING); // some network file systems
        }
    }
}
