package io.jllm.convert;

import io.jllm.quant.FormatException;
import io.jllm.quant.file.FileKind;
import io.jllm.quant.file.MappedFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * The older files of llama-imatrix, little-endian: a number of entries; for each a length and so many bytes of name, a number of calls, a number of
 * columns and so many floats, which are sums of means over calls; then perhaps a number of chunks, a length and the name of the text.
 */
final class LegacyImatrix {
    private static final int GGUF = 0x46554747;
    private static final int MAX_NAME = 1 << 16;

    private final String file;
    private final ByteBuffer in;

    private LegacyImatrix(Path path, ByteBuffer in) {
        this.file = path.toString();
        this.in = in.order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Whether a file is of the newer kind; the path is checked to be a file. */
    static boolean isGguf(Path path) throws IOException {
        MappedFile.check(path, FileKind.Wanted.GGUF);
        try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
            var start = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            while (start.hasRemaining() && channel.read(start) >= 0) {
                continue; // a file may give fewer bytes than it has
            }
            return !start.hasRemaining() && start.flip().getInt() == GGUF;
        }
    }

    static ImportanceMatrix read(Path path) throws IOException {
        try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
            if (channel.size() > Integer.MAX_VALUE) {
                throw new FormatException(path.toString(), "the file", "has " + channel.size() + " bytes, and is no GGUF file; importance matrices "
                        + "of the older kind have at most " + Integer.MAX_VALUE);
            }
            return new LegacyImatrix(path, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size())).read();
        }
    }

    private ImportanceMatrix read() {
        int entries = number("the number of entries", 1, Integer.MAX_VALUE);
        var columns = new LinkedHashMap<String, float[]>();
        for (int e = 0; e < entries; e++) {
            var name = text("the name of entry " + e);
            int calls = number("the number of calls of " + name, Integer.MIN_VALUE, Integer.MAX_VALUE);
            int count = number("the number of columns of " + name, 1, (in.remaining() - Integer.BYTES) / Float.BYTES);
            var values = new float[count];
            in.asFloatBuffer().get(values);
            in.position(in.position() + Float.BYTES * count);
            for (int i = 0; calls > 0 && i < count; i++) {
                values[i] /= calls;
            }
            if (columns.putIfAbsent(name, values) != null) {
                throw new FormatException(file, "entry " + name, "is there twice");
            }
        }
        int chunks = in.hasRemaining() ? number("the number of chunks", Integer.MIN_VALUE, Integer.MAX_VALUE) : 0;
        return new ImportanceMatrix(file, in.hasRemaining() ? List.of(text("the name of the text")) : List.of(), Math.max(0, chunks), columns);
    }

    private int number(String what, int least, int most) {
        if (in.remaining() < Integer.BYTES) {
            throw new FormatException(file, what, "is missing: the file ends at byte " + in.limit());
        }
        int at = in.position();
        int value = in.getInt();
        if (value < least || value > most) {
            throw new FormatException(file, what + " at byte " + at, "is " + value + ", must be " + least + " to " + most
                    + ": give a file that llama-imatrix wrote");
        }
        return value;
    }

    private String text(String what) {
        int length = number("the length of " + what, 0, Math.min(MAX_NAME, in.remaining() - Integer.BYTES));
        var bytes = new byte[length];
        in.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
