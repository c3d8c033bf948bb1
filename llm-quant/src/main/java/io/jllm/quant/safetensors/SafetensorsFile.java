package io.jllm.quant.safetensors;

import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.Tensor;
import io.jllm.quant.file.FileKind.Wanted;
import io.jllm.quant.file.MappedFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An open safetensors file, mapped into memory, of any size, with the names that the file uses. Opening reads the header and
 * checks that every tensor lies inside the file, has the bytes that its shape needs, and overlaps no other.
 *
 * <p>Safe for use by many threads. The file must not be cut short while it is open: reading from a part of a mapping that is gone
 * fails as an {@link InternalError}.
 */
public final class SafetensorsFile implements AutoCloseable {
    private static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Arena arena;
    private final SafetensorsHeader header;
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    /** Over bytes that live as long as the arena, which it owns. */
    SafetensorsFile(String file, Arena arena, MemorySegment bytes) {
        this.arena = arena;
        if (bytes.byteSize() < 8) {
            throw new FormatException(file, "the header", "is missing: the file has " + bytes.byteSize()
                    + " bytes, a safetensors file at least 8");
        }
        long length = bytes.get(LENGTH, 0);
        long left = bytes.byteSize() - 8;
        if (length < 0 || length > left || length > SafetensorsHeader.MAX_BYTES) {
            throw new FormatException(file, "the header", "claims " + Long.toUnsignedString(length) + " bytes of a file that has " + left
                    + " left; the limit is " + SafetensorsHeader.MAX_BYTES);
        }
        this.header = SafetensorsHeader.read(bytes.asSlice(8, length), file, left - length);
        for (TensorInfo t : header.tensors()) {
            t.type().ifPresent(type -> tensors.put(t.name(),
                    new Tensor(t.name(), type, t.rows(), t.cols(), bytes.asSlice(8 + length + t.offset(), t.bytes()))));
        }
    }

    /**
     * Maps a file and reads its header.
     *
     * @throws IOException if the file cannot be read
     * @throws FormatException if it is not a safetensors file, or is broken
     */
    public static SafetensorsFile open(Path path) throws IOException {
        return MappedFile.open(path, Wanted.SAFETENSORS, SafetensorsFile::new);
    }

    /** The strings that the file carries beside its tensors; most say only which framework wrote it. */
    public Map<String, String> metadata() {
        return header.metadata();
    }

    /** What the file says of its tensors, readable or not, by where their data begins. */
    public List<TensorInfo> tensorInfos() {
        return header.tensors();
    }

    /** The readable tensors by the file's own names, by where their data begins. */
    public Map<String, Tensor> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    /** Gives the mapping back; its tensors must no longer be used. Closing twice does nothing. */
    @Override
    public void close() {
        synchronized (arena) {
            if (arena.scope().isAlive()) {
                arena.close();
            }
        }
    }

    /**
     * One tensor of the header.
     *
     * @param name its name
     * @param dtype the format's word for its type
     * @param type the type, if its values can be held as a {@link Tensor}
     * @param shape dimensions as stored: the contiguous one last, none for a scalar
     * @param offset from the start of the data part, in bytes
     * @param bytes bytes of its data
     */
    public record TensorInfo(String name, String dtype, Optional<DType> type, List<Long> shape, long offset, long bytes) {
        /** The product of all dimensions but the last; 1 for a vector. */
        public long rows() {
            return shape.stream().limit(Math.max(0, shape.size() - 1)).reduce(1L, Math::multiplyExact);
        }

        /** Values a row: the last dimension; 1 for a scalar. */
        public long cols() {
            return shape.isEmpty() ? 1 : shape.getLast();
        }
    }
}
