package io.jllm.examples.cli.perplexity;

import io.jllm.examples.cli.output.BadInput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.OptionalInt;

/**
 * Log-probabilities of all tokens at all scored places of a text: what {@code llama-perplexity --kl-divergence-base} writes and {@code
 * --kl-divergence} reads, byte for byte of the same form. All numbers are little-endian: "_logits_"; three ints: tokens a window, tokens of the
 * vocabulary, windows; the windows' tokens; then a row for each scored token: two floats, a step and the least log-probability, and 16 bits
 * for each token, which count steps from there. Tokens more than 16 nats below the likeliest count as 16. Rows of an odd number are filled up.
 */
public final class BaseFile implements AutoCloseable {
    private static final long MAGIC = 0x5f7374_69676f6c5fL; // "_logits_"
    private static final int HEADER = Long.BYTES + 3 * Integer.BYTES;
    private static final int FIELDS = 2 * Float.BYTES;
    private static final int STEPS = 65535;
    private static final float RANGE = 16;

    private final FileChannel channel;
    private final PerplexityWindows windows;
    private final int vocab;
    private final ByteBuffer row;

    private BaseFile(FileChannel channel, PerplexityWindows windows, int vocab) {
        this.channel = channel;
        this.windows = windows;
        this.vocab = vocab;
        row = ByteBuffer.allocate(Math.toIntExact(rowBytes(vocab))).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** A row as it was read. */
    public record Row(float step, float least, short[] steps) {
        /** The log-probability of a token. */
        public float logprob(int token) {
            return step * Short.toUnsignedInt(steps[token]) + least;
        }
    }

    private static long rowBytes(int vocab) {
        return FIELDS + 2L * Short.BYTES * Math.ceilDiv(vocab, 2);
    }

    /** Begins a file, which appears under another name until {@link #publish}. */
    static BaseFile create(Path path, PerplexityWindows windows, int vocab) throws IOException {
        var file = new BaseFile(FileChannel.open(unfinished(path), StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE), windows, vocab);
        int tokens = windows.count() * windows.size();
        ByteBuffer header = ByteBuffer.allocate(HEADER + Integer.BYTES * tokens).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(MAGIC).putInt(windows.size()).putInt(vocab).putInt(windows.count());
        for (int i = 0; i < tokens; i++) {
            header.putInt(windows.tokens()[i]);
        }
        file.write(header.flip(), 0);
        return file;
    }

    private static Path unfinished(Path path) {
        return path.resolveSibling(path.getFileName() + ".part");
    }

    /** Gives a file that was written and closed its name. */
    static void publish(Path path) throws IOException {
        Files.move(unfinished(path), path, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Removes what was written so far, if there is anything. */
    static void discard(Path path) throws IOException {
        Files.deleteIfExists(unfinished(path));
    }

    /**
     * Opens a file.
     *
     * @param bos what replaces the first token of each window
     * @throws BadInput if it is no such file, or not a whole one
     */
    public static BaseFile open(Path path, OptionalInt bos) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        try {
            ByteBuffer header = read(channel, path, 0, HEADER);
            long magic = header.getLong();
            int size = header.getInt();
            int vocab = header.getInt();
            int count = header.getInt();
            if (magic != MAGIC || size < 4 || vocab < 1 || count < 1) {
                throw new BadInput(path + " holds no log-probabilities as llama-perplexity --kl-divergence-base or llm perplexity"
                        + " --kl-divergence-base write them");
            }
            long rows = (long) count * (size - 1 - size / 2);
            double wanted = HEADER + (double) Integer.BYTES * size * count + (double) rows * rowBytes(vocab);
            if (channel.size() != wanted || (long) size * count > Integer.MAX_VALUE / Integer.BYTES) {
                throw new BadInput(path + " has " + channel.size() + " bytes, but its header says " + (long) wanted + ": " + count + " windows of "
                        + size + " tokens, and " + vocab + " log-probabilities for each token of their second halves; it was not written to its"
                        + " end, or is damaged");
            }
            var tokens = new int[size * count];
            read(channel, path, HEADER, tokens.length * Integer.BYTES).asIntBuffer().get(tokens);
            for (int token : tokens) {
                if (token < 0 || token >= vocab) {
                    throw new BadInput(path + " has token " + token + " in its text, but a vocabulary of " + vocab);
                }
            }
            return new BaseFile(channel, new PerplexityWindows(tokens, size, bos), vocab);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static ByteBuffer read(FileChannel channel, Path path, long at, int bytes) throws IOException {
        if (channel.size() < at + bytes) {
            throw new BadInput(path + " ends at byte " + channel.size() + ", before its header does");
        }
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        read(channel, buffer, at);
        return buffer.flip();
    }

    private static void read(FileChannel channel, ByteBuffer to, long at) throws IOException {
        for (long from = at; to.hasRemaining();) {
            int read = channel.read(to, from);
            if (read < 0) {
                throw new IOException("the file of log-probabilities became shorter while it was read");
            }
            from += read;
        }
    }

    private void write(ByteBuffer from, long at) throws IOException {
        for (long to = at; from.hasRemaining();) {
            to += channel.write(from, to);
        }
    }

    /** The text. */
    public PerplexityWindows windows() {
        return windows;
    }

    /** Tokens of the vocabulary. */
    public int vocab() {
        return vocab;
    }

    private long place(int window, int number) {
        return HEADER + (long) Integer.BYTES * windows.count() * windows.size() + ((long) window * windows.rows() + number) * rowBytes(vocab);
    }

    /** Writes a row of logits: the one that foresees scored token {@code number} of a window. */
    void write(int window, int number, float[] logits) throws IOException {
        float most = Float.NEGATIVE_INFINITY;
        float least = Float.POSITIVE_INFINITY;
        for (float x : logits) {
            most = Math.max(most, x);
            least = Math.min(least, x);
        }
        least = Math.max(least, most - RANGE);
        float logSum = (float) Math.log(Divergence.sumOfExponentials(logits, most));
        float step = (most - least) / STEPS;
        row.clear().putFloat(step).putFloat(least - most - logSum);
        float inverse = 1 / step;
        for (float x : logits) {
            row.putShort((short) (step > 0 && x > least ? (int) Math.rint(inverse * (x - least)) : 0));
        }
        while (row.hasRemaining()) {
            row.put((byte) 0);
        }
        write(row.flip(), place(window, number));
    }

    /** Reads a row. */
    Row read(int window, int number) throws IOException {
        read(channel, row.clear(), place(window, number));
        row.flip();
        float step = row.getFloat();
        float least = row.getFloat();
        var steps = new short[vocab];
        row.asShortBuffer().get(steps);
        return new Row(step, least, steps);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
