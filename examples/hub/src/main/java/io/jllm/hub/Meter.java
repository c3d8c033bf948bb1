package io.jllm.hub;

import java.util.List;

/** Counts what came, and tells a listener now and then. */
final class Meter {
    private static final long EVERY_NANOS = 100_000_000;

    private final DownloadListener listener;
    private final int files;
    private final long bytes;
    private final long start = System.nanoTime();
    private String file = "";
    private int filesDone;
    /** Of files that are complete. */
    private long done;
    private long ofFile;
    /** Over the network, since the start. */
    private long fetched;
    private long told;

    Meter(DownloadListener listener, List<RemoteFile> all) {
        this.listener = listener;
        files = all.size();
        bytes = all.stream().mapToLong(RemoteFile::size).sum();
    }

    /** A file begins, of which so many bytes are there already. */
    void begin(RemoteFile f, long there) {
        file = f.path();
        ofFile = there;
        tell(true);
    }

    /** So many bytes of it came. */
    void add(int count) {
        ofFile += count;
        fetched += count;
        tell(false);
    }

    /** It is complete. */
    void end(RemoteFile f) {
        file = f.path();
        done += f.size();
        ofFile = 0;
        filesDone++;
        tell(true);
    }

    void note(String sentence) {
        listener.note(sentence);
    }

    private void tell(boolean now) {
        long time = System.nanoTime();
        if (now || time - told >= EVERY_NANOS) {
            told = time;
            listener.progress(new Progress(file, filesDone, files, done + ofFile, bytes, fetched / Math.max(1e-3, (time - start) / 1e9)));
        }
    }
}
