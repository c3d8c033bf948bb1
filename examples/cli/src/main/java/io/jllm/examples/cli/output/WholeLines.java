package io.jllm.examples.cli.output;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;

/** Files that are written line by line, by runs that may have been ended in the midst of one. */
public final class WholeLines {
    private WholeLines() {
    }

    /** Takes away what follows the last end of a line. */
    public static void keep(Path file) throws IOException {
        try (var all = new RandomAccessFile(file.toFile(), "rw")) {
            long end = all.length();
            all.seek(Math.max(0, end - 1));
            while (end > 0 && all.read() != '\n') {
                end--;
                all.seek(Math.max(0, end - 1));
            }
            all.setLength(end);
        }
    }
}
