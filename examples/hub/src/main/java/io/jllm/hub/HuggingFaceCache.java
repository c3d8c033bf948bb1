package io.jllm.hub;

import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * A repository in the cache of {@code huggingface_hub}: content lies in {@code blobs} under its digest, {@code snapshots/COMMIT} has links to
 * it under the files' names, {@code refs} says which commit a branch was. What Python fetched is found, and what is put here Python finds.
 */
final class HuggingFaceCache {
    private static final String COMMIT = "[0-9a-f]{40}";
    private static final String TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# This file marks a cache: see https://bford.info/cachedir/\n";

    private final Path root;
    private final Path repository;
    private final boolean links;

    HuggingFaceCache(Path root, String id, boolean links) {
        this.root = root;
        this.links = links;
        repository = root.resolve("models--" + id.replace("/", "--"));
    }

    static boolean isCommit(String revision) {
        return revision.matches(COMMIT);
    }

    Path snapshot(String commit) {
        return repository.resolve("snapshots").resolve(commit);
    }

    Path file(String commit, RemoteFile file) {
        return snapshot(commit).resolve(file.path());
    }

    Path blob(RemoteFile file) {
        return repository.resolve("blobs").resolve(file.digest().hex());
    }

    /** Where a blob grows: a name of our own, since Python deletes its own kind; where no locks are known, one of this call alone. */
    Path part(RemoteFile file, boolean locked) {
        return repository.resolve("blobs").resolve(file.digest().hex() + (locked ? "" : "." + UUID.randomUUID().toString().substring(0, 8))
                + ".jllm.incomplete");
    }

    Path lock(RemoteFile file) {
        return root.resolve(".locks").resolve(repository.getFileName()).resolve(file.digest().hex() + ".lock");
    }

    /** Whether a file is in a snapshot, as long as it should be. */
    boolean has(String commit, RemoteFile file) throws IOException {
        Path path = file(commit, file);
        return Files.isRegularFile(path) && Files.size(path) == file.size();
    }

    /** Gives a blob its name in a snapshot; where no link can be made, the blob itself goes there. */
    void link(String commit, RemoteFile file) throws IOException {
        Path path = file(commit, file);
        Path blob = blob(file);
        Files.createDirectories(path.getParent());
        if (links) {
            try {
                Path fresh = path.resolveSibling(path.getFileName() + "." + UUID.randomUUID().toString().substring(0, 8));
                Files.createSymbolicLink(fresh, path.getParent().relativize(blob));
                move(fresh, path);
                return;
            } catch (UnsupportedOperationException | FileSystemException _) {
                // Windows without the right to, and file systems without links
            }
        }
        move(blob, path);
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException _) {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** Notes which commit a branch or tag is, once all files are there. */
    void refer(String revision, String commit) throws IOException {
        Path tag = root.resolve("CACHEDIR.TAG");
        if (!Files.exists(tag)) {
            Files.writeString(tag, TAG);
        }
        if (!isCommit(revision)) {
            Path ref = repository.resolve("refs").resolve(revision);
            Files.createDirectories(ref.getParent());
            Path fresh = ref.resolveSibling(ref.getFileName() + "." + UUID.randomUUID().toString().substring(0, 8));
            Files.writeString(fresh, commit);
            move(fresh, ref);
        }
    }

    /** The commit that a revision was when it was last fetched; empty if it never was. */
    Optional<String> commit(String revision) throws IOException {
        if (isCommit(revision)) {
            return Optional.of(revision).filter(c -> Files.isDirectory(snapshot(c)));
        }
        Path ref = repository.resolve("refs").resolve(revision);
        return Files.isRegularFile(ref) ? Optional.of(Files.readString(ref).strip()).filter(HuggingFaceCache::isCommit)
                .filter(c -> Files.isDirectory(snapshot(c))) : Optional.empty();
    }

    /** The files of a snapshot that are there. */
    List<RemoteFile> files(String commit) throws IOException {
        return files(snapshot(commit));
    }

    /** The files below a folder, as if it were a repository. */
    static List<RemoteFile> files(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile).map(p -> {
                String path = folder.relativize(p).toString().replace(p.getFileSystem().getSeparator(), "/");
                return new RemoteFile(path, p.toFile().length(), new FileDigest(FileDigest.Kind.NONE, "local"));
            }).filter(f -> !f.path().endsWith(".incomplete")).sorted((a, b) -> a.path().compareTo(b.path())).toList();
        }
    }
}
