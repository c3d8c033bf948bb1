package io.jllm.quant.gguf;

import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
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
 * <p>A model that is split into several files, as llama.cpp's {@code gguf-split} does it, is opened by its first file,
 * {@code NAME-00001-of-0000N.gguf}: the others, which lie beside it, are opened with it, and it is one source of all tensors with the
 * metadata of the first.
 *
 * <p>Safe for use by many threads. The files must not be cut short while they are open: reading from a part of a mapping that is gone
 * fails as an {@link InternalError}.
 */
public final class GgufFile implements WeightSource {
    private final List<GgufPart> parts;
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    private GgufFile(List<GgufPart> parts) {
        this.parts = parts;
        parts.forEach(part -> tensors.putAll(part.tensors()));
    }

    /** One file, over bytes that live as long as the arena, which it owns. */
    GgufFile(String file, Arena arena, MemorySegment bytes) {
        this(List.of(new GgufPart(file, arena, bytes)));
    }

    /**
     * Maps a file, or all files of a split model, and reads the headers.
     *
     * @param path the file; of a split model, the first
     * @throws IOException if a file cannot be read
     * @throws FormatException if it is not a GGUF file of version 2 or 3 in little-endian byte order, or is broken; or if it is of a
     *     split model and not the first, or another file of that model is missing or contradicts it
     */
    public static GgufFile open(Path path) throws IOException {
        return new GgufFile(GgufSplit.open(path));
    }

    /** The key-value part. */
    public GgufMetadata metadata() {
        return parts.getFirst().header().metadata();
    }

    /** The files that it consists of: one, unless the model is split. */
    public List<Path> files() {
        return parts.stream().map(part -> Path.of(part.file())).toList();
    }

    /** What the file says of its tensors, readable or not, in file order. */
    public List<TensorInfo> tensorInfos() {
        return parts.stream().flatMap(part -> part.header().tensors().stream()).toList();
    }

    /** {@inheritDoc} Those of unknown types are not among them. */
    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(tensors.keySet());
    }

    @Override
    public Optional<Weights> find(String name) {
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
        for (GgufPart part : parts) {
            for (TensorInfo info : part.header().tensors()) {
                if (info.name().equals(name)) {
                    throw new FormatException(part.file(), "tensor " + name, "is of type " + Integer.toUnsignedString(info.typeId())
                            + ", which this version does not know");
                }
            }
        }
        throw new FormatException(parts.getFirst().file(), "tensor " + name, "is missing");
    }

    /** {@inheritDoc} Closing twice does nothing. */
    @Override
    public void close() {
        parts.forEach(GgufPart::close);
    }

    /**
     * One entry of the tensor table.
     *
     * @param name its name
     * @param typeId ggml's number of the type
     * @param type the type, if it is known
     * @param shape dimensions as stored: the contiguous one first
     * @param offset from the start of the data part of the file that holds it, in bytes
     */
    public record TensorInfo(String name, int typeId, Optional<DType> type, List<Long> shape, long offset) {
        /** Values a row: the contiguous dimension; 1 for a scalar. */
        public long cols() {
            return shape.isEmpty() ? 1 : shape.getFirst();
        }
    }
}
