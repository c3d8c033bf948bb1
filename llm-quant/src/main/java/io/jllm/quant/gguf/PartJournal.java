package io.jllm.quant.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Lists the tensors of an unfinished file that are whole on the disk, a line each, behind a line that says what the file is to become. The
 * data are on the disk before their line is.
 */
final class PartJournal implements AutoCloseable {
    /** Bytes between two waits for the disk, at least. */
    private static final long SYNC_BYTES = 1 << 20;

    private final Target.Disk data;
    private final Target.Disk lines;
    private final StringBuilder waiting = new StringBuilder();
    private final int whole;
    private long unsynced;

    /**
     * Opens the one of a file, and begins it anew if it is of another.
     *
     * @param journal its file
     * @param data the unfinished file
     * @param purpose what that is to become
     * @param names its tensors
     */
    PartJournal(Path journal, Target.Disk data, String purpose, List<String> names) throws IOException {
        this.data = data;
        String found = Files.exists(journal) ? Files.readString(journal, StandardCharsets.ISO_8859_1) : "";
        List<String> known = found.substring(0, found.lastIndexOf('\n') + 1).lines().toList(); // the last may be cut off
        int count = 0;
        if (!known.isEmpty() && known.getFirst().equals(purpose)) {
            while (count < names.size() && count + 1 < known.size() && known.get(count + 1).equals(line(names.get(count)))) {
                count++;
            }
        }
        whole = count;
        lines = new Target.Disk(FileChannel.open(journal, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING));
        waiting.append(purpose).append('\n');
        names.subList(0, count).forEach(name -> waiting.append(line(name)).append('\n'));
        sync();
    }

    /** Names may hold what a line must not. */
    private static String line(String name) {
        return Integer.toHexString(name.hashCode()) + " " + name.getBytes(StandardCharsets.UTF_8).length;
    }

    /** How many tensors were whole when it was opened, from the first on. */
    int whole() {
        return whole;
    }

    /** The next tensor is written. */
    void add(String name, long bytes) throws IOException {
        waiting.append(line(name)).append('\n');
        unsynced += bytes;
        if (unsynced >= SYNC_BYTES) {
            sync();
        }
    }

    private void sync() throws IOException {
        data.force();
        var bytes = ByteBuffer.wrap(waiting.toString().getBytes(StandardCharsets.ISO_8859_1));
        while (bytes.hasRemaining()) {
            lines.write(bytes);
        }
        lines.force();
        waiting.setLength(0);
        unsynced = 0;
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }
}
