package io.jllm.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Models by name: the path of a file or folder that {@code LLM.load} takes. What is in the caches of Hugging Face's and ModelScope's own tools
 * is used as it is; the rest is fetched into them, with what came before an interruption gone on with, and checked against the digests that
 * the hub names. Several processes may ask for the same at once: one fetches, the others wait.
 *
 * <p>A branch is asked for at its hub each time, so that a newer commit is found; where the hub cannot be reached, or
 * {@link HubSettings#offline} says so, what was fetched last is taken, and the listener is told.
 *
 * <p>Threads: safe for all. An interrupt ends a call with a {@link HubException}; the interrupt stays set.
 */
public final class Hub {
    private final HubSettings settings;

    /** A hub of its own settings. */
    public Hub(HubSettings settings) {
        this.settings = settings;
    }

    /** As {@link #get(String, DownloadListener)}, told to nobody. */
    public static Path get(String name) {
        return get(name, DownloadListener.NONE);
    }

    /**
     * A model by its name, by the settings of the environment.
     *
     * @param name as {@link HubName} says
     * @return a GGUF file, of one in several files the first; or a folder
     * @throws IllegalArgumentException if the name is none, or the environment has settings that cannot be meant
     * @throws HubException if it cannot be had; the message says why and what to do
     */
    public static Path get(String name, DownloadListener listener) {
        return new Hub(HubSettings.fromEnvironment()).find(HubName.parse(name), listener);
    }

    /**
     * A model by its name.
     *
     * @throws HubException if it cannot be had; the message says why and what to do
     */
    public Path find(HubName name, DownloadListener listener) {
        try {
            return switch (name.place()) {
                case HF -> find(name, new HuggingFace(name, settings), listener);
                case MS -> find(name, new ModelScope(name, settings), listener);
                case OLLAMA -> Ollama.find(name, settings.ollama());
            };
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HubException("interrupted while " + name + " was fetched; what came is kept", e);
        } catch (IOException e) {
            throw new HubException(name + " cannot be fetched: " + (e.getMessage() == null ? e.toString() : e.getMessage()), e);
        }
    }

    private Path find(HubName name, Repository repository, DownloadListener listener) throws IOException, InterruptedException {
        try (Http http = repository.http()) {
            if (settings.offline()) {
                return cached(name, repository, "HF_HUB_OFFLINE is set");
            }
            Repository.Snapshot now;
            try {
                now = repository.current();
            } catch (Http.Unreachable e) {
                Path path = cached(name, repository, e.getMessage());
                listener.note(e.getMessage() + ": " + name + " is taken as it was fetched last, from " + path);
                return path;
            }
            FileChoice choice = FileChoice.of(name, now.files());
            fetch(repository, http, now, choice, listener);
            return path(repository, now, choice);
        }
    }

    private void fetch(Repository repository, Http http, Repository.Snapshot now, FileChoice choice, DownloadListener listener)
            throws IOException, InterruptedException {
        var missing = new ArrayList<RemoteFile>();
        for (RemoteFile file : choice.files()) {
            if (!repository.has(now, file)) {
                missing.add(file);
            }
        }
        checkRoom(repository.folder(now), missing);
        var meter = new Meter(listener, missing);
        var transfer = new Transfer(http, meter, settings.timeout());
        for (RemoteFile file : missing) {
            repository.fetch(now, file, transfer, () -> meter.note("another process is fetching " + file.path() + ": waiting for it"));
            meter.end(file);
        }
        repository.done(now);
    }

    private static void checkRoom(Path folder, List<RemoteFile> missing) throws IOException {
        long need = missing.stream().mapToLong(RemoteFile::size).sum();
        Path there = folder.toAbsolutePath();
        while (!Files.exists(there) && there.getParent() != null) {
            there = there.getParent();
        }
        long room = Files.getFileStore(there).getUsableSpace();
        if (need > room) {
            throw new HubException("the download has " + need + " bytes, but there is room for " + room + " at " + there
                    + ": free some, or set HF_HOME or MODELSCOPE_CACHE to another disk");
        }
    }

    /** What was fetched before. */
    private static Path cached(HubName name, Repository repository, String why) throws IOException {
        Optional<Repository.Snapshot> last = repository.cached();
        if (last.isEmpty()) {
            throw new HubException(name + " is not in the cache, and " + why);
        }
        try {
            FileChoice choice = FileChoice.of(name, last.get().files());
            CachedFolder.check(repository.folder(last.get()), choice);
            return path(repository, last.get(), choice);
        } catch (HubException e) {
            throw new HubException("what the cache has of " + name + " is not enough, and " + why + ": " + e.getMessage(), e);
        }
    }

    private static Path path(Repository repository, Repository.Snapshot s, FileChoice choice) {
        Path folder = repository.folder(s);
        return choice.open().map(folder::resolve).orElse(folder);
    }
}
