package io.jllm.quant.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;

/**
 * A file to be written, and what keeps it from that, said to people.
 *
 * @param out as the caller named it
 */
record Target(Path out) {
    /** The system did not take bytes: its words, to be told from failures of whoever makes the bytes. */
    static final class Refused extends IOException {
        private static final long serialVersionUID = 1;

        Refused(IOException cause) {
            super(reason(cause), cause);
        }
    }

    /** Where bytes go. */
    record Disk(FileChannel channel) implements WritableByteChannel {
        @Override
        public int write(ByteBuffer src) throws Refused {
            try {
                return channel.write(src);
            } catch (IOException e) {
                throw new Refused(e);
            }
        }

        /** Waits until all is on the disk, whose last room may be missed only then. */
        void force() throws Refused {
            try {
                channel.force(false);
            } catch (IOException e) {
                throw new Refused(e);
            }
        }

        @Override
        public boolean isOpen() {
            return channel.isOpen();
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    Path file() {
        return out.toAbsolutePath();
    }

    /** A hidden file beside it, with what is not yet whole. */
    Path beside(String suffix) {
        return file().resolveSibling("." + file().getFileName() + suffix);
    }

    /** Opens what is written before it has its name. */
    Disk open(Path part, OpenOption... options) throws IOException {
        try {
            return new Disk(FileChannel.open(part, options));
        } catch (IOException e) {
            throw failed(e, "");
        }
    }

    /** @param left what is left behind, the end of a sentence */
    IOException failed(IOException e, String left) {
        return new IOException("cannot write " + out + ": " + switch (e) {
            case AccessDeniedException _ -> "there is no permission to make files in " + file().getParent();
            case NoSuchFileException _ when Files.isDirectory(file().getParent()) -> "no files can be made in " + file().getParent();
            case NoSuchFileException _ -> "its folder does not exist";
            default -> reason(e);
        } + left, e);
    }

    private static String reason(IOException e) {
        String said = e instanceof FileSystemException f && f.getReason() != null ? f.getReason() : e.getMessage();
        return said == null ? e.toString() : said;
    }
}
