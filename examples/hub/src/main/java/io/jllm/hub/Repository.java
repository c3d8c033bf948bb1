package io.jllm.hub;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A repository of a hub, and its place in the cache. */
interface Repository {
    /**
     * What a revision is.
     *
     * @param commit its name in the cache
     * @param files of it; of a cached one those that are there
     */
    record Snapshot(String commit, List<RemoteFile> files) {
    }

    /** Requests to its hub. */
    Http http();

    /** What the hub says that the revision is now. */
    Snapshot current() throws IOException, InterruptedException;

    /** What it was when it was last fetched, by whatever tool; empty if it never was. */
    Optional<Snapshot> cached() throws IOException;

    /** Where a snapshot is. */
    Path folder(Snapshot s);

    /** Whether a file is there. */
    boolean has(Snapshot s, RemoteFile file) throws IOException;

    /**
     * Fetches a file.
     *
     * @param waiting run if another process does so already
     */
    void fetch(Snapshot s, RemoteFile file, Transfer transfer, Runnable waiting) throws IOException, InterruptedException;

    /** All files are there. */
    void done(Snapshot s) throws IOException;
}
