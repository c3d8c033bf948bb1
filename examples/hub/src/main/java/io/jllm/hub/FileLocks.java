package io.jllm.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/** A lock on a file, held by one thread of one process at a time. */
final class FileLocks implements AutoCloseable {
    private static final long POLL_MILLIS = 100;

    private final FileChannel channel;
    private final Optional<FileLock> lock;

    private FileLocks(FileChannel channel, Optional<FileLock> lock) {
        this.channel = channel;
        this.lock = lock;
    }

    /**
     * Takes it, and waits for whoever has it.
     *
     * @param waiting run once if somebody has it
     */
    static FileLocks take(Path file, Runnable waiting) throws IOException, InterruptedException {
        Files.createDirectories(file.getParent());
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            for (boolean first = true;; first = false) {
                try {
                    FileLock lock = channel.tryLock();
                    if (lock != null) {
                        return new FileLocks(channel, Optional.of(lock));
                    }
                } catch (OverlappingFileLockException _) {
                    // another thread of this JVM has it
                } catch (IOException _) {
                    return new FileLocks(channel, Optional.empty()); // this file system knows no locks: names are unique then
                }
                if (first) {
                    waiting.run();
                }
                Thread.sleep(POLL_MILLIS);
            }
        } catch (Throwable t) {
            channel.close();
            throw t;
        }
    }

    /** Whether it keeps others away; some file systems cannot. */
    boolean isHeld() {
        return lock.isPresent();
    }

    @Override
    public void close() throws IOException {
        channel.close(); // and with it the lock
    }
}
