package io.jllm.quant.gguf;

import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.file.MappedFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * An open GGUF file of version 2 or 3, mapped into memory, of any size. Opening reads the header and checks that every tensor of
 * a known type lies inside the file, aligned and apart from the others; values are read from the mapping as they are needed.
 * A tensor of a type that is unknown here does not stop a file from opening: it has an entry in {@link #tensorInfos()} and
 * cannot be found by name.
 *
 * <p>Safe for use by many threads. The file must not be cut short while it is open: reading from a part of a mapping that is gone
 * fails as an {@link InternalError}.
 */
public final class GgufFile implements WeightSource {
    private final String file;
    private final Arena arena;
    private final GgufHeader header;
    private final Map<String, Tensor> tensors;

    /** Over bytes that live as long as the arena, which it owns. */
    GgufFile(String file, Arena arena, MemorySegment bytes) {
        this.file = file;
        this.arena = arena;
        this.header = GgufHeader.read(new GgufCursor(bytes, file));
        this.tensors = Collections.unmodifiableMap(tensors(bytes));
    }

    /**
     * Maps a file and reads its header.
     *
     * @throws IOException if the file cannot be read
     * @throws FormatException if it is not a GGUF file of version 2 or 3 in little-endian byte order, or is broken
     */
    public static GgufFile open(Path path) throws IOException {
        return MappedFile.open(path, "GGUF", GgufFile::new);
    }

    /** The key-value part. */
    public GgufMetadata metadata() {
        return header.metadata();
    }

    /** What the file says of its tensors, readable or not, in file order. */
    public List<TensorInfo> tensorInfos() {
        return header.tensors();
    }

    /** {@inheritDoc} Those of unknown types are not among them. */
    @Override
    public Set<String> names() {
        return tensors.keySet();
    }

    @Override
    public Optional<Tensor> find(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    /**
     * {@inheritDoc}
     *
     * @throws FormatException if there is one of a type that is unknown here
     */
    @Override
    public Tensor get(String name) {
        Tensor t = tensors.get(name);
        if (t != null) {
            return t;
        }
        for (TensorInfo info : header.tensors()) {
            if (info.name().equals(name)) {
                throw new FormatException(file, "tensor " + name, "is of type " + Integer.toUnsignedString(info.typeId())
                        + ", which this version does not know");
            }
        }
        throw new FormatException(file, "tensor " + name, "is missing");
    }

    /** {@inheritDoc} Closing twice does nothing. */
    @Override
    public void close() {
        synchronized (arena) {
            if (arena.scope().isAlive()) {
                arena.close();
            }
        }
    }

    private Map<String, Tensor> tensors(MemorySegment bytes) {
        var found = new LinkedHashMap<String, Tensor>();
        var placed = new ArrayList<TensorInfo>();
        for (TensorInfo info : header.tensors()) {
            String place = "tensor " + info.name();
            long left = Math.max(0, bytes.byteSize() - header.dataStart());
            if (info.offset() > left) {
                throw new FormatException(file, place, "starts at offset " + info.offset() + " of a data part of " + left + " bytes");
            }
            if (info.type().isEmpty()) {
                continue;
            }
            DType type = info.type().get();
            long rows = rows(info);
            long size = size(info, type, rows);
            if (size > left - info.offset()) {
                throw new FormatException(file, place, "needs " + size + " bytes from offset " + info.offset()
                        + " on; the data part has " + left + ": the file is cut short or its header is wrong");
            }
            found.put(info.name(), new Tensor(info.name(), type, rows, info.cols(),
                    bytes.asSlice(size == 0 ? 0 : header.dataStart() + info.offset(), size)));
            if (size > 0) {
                placed.add(info);
            }
        }
        placed.sort(Comparator.comparingLong(TensorInfo::offset));
        for (int i = 1; i < placed.size(); i++) {
            TensorInfo before = placed.get(i - 1);
            long end = before.offset() + found.get(before.name()).data().byteSize();
            if (end > placed.get(i).offset()) {
                throw new FormatException(file, "tensor " + placed.get(i).name(), "starts at offset " + placed.get(i).offset()
                        + ", inside tensor " + before.name() + ", which ends at " + end);
            }
        }
        return found;
    }

    private long rows(TensorInfo info) {
        long rows = 1;
        for (int d = 1; d < info.shape().size(); d++) {
            rows = saturated(rows, info.shape().get(d));
        }
        return rows;
    }

    private long size(TensorInfo info, DType type, long rows) {
        String place = "tensor " + info.name();
        if (info.cols() % type.blockElements() != 0) {
            throw new FormatException(file, place, "has rows of " + info.cols() + " elements, which do not fill blocks of "
                    + type.blockElements() + " (" + type + ")");
        }
        long size = saturated(saturated(info.cols() / type.blockElements(), type.blockBytes()), rows);
        if (size == Long.MAX_VALUE || rows == Long.MAX_VALUE) {
            throw new FormatException(file, place, "has the shape " + info.shape() + ", more elements than any file holds");
        }
        return size;
    }

    private static long saturated(long a, long b) {
        return a != 0 && b > Long.MAX_VALUE / a ? Long.MAX_VALUE : a * b;
    }

    /**
     * One entry of the tensor table.
     *
     * @param name its name
     * @param typeId ggml's number of the type
     * @param type the type, if it is known
     * @param shape dimensions as stored: the contiguous one first
     * @param offset from the start of the data part, in bytes
     */
    public record TensorInfo(String name, int typeId, Optional<DType> type, List<Long> shape, long offset) {
        /** Values a row: the contiguous dimension; 1 for a scalar. */
        public long cols() {
            return shape.isEmpty() ? 1 : shape.getFirst();
        }
    }
}
