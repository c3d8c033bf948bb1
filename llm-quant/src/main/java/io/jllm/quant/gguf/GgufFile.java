package io.jllm.quant.gguf;

import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** An open GGUF file of version 2 or 3, mapped into memory. */
public final class GgufFile implements WeightSource {
    /** Maps a file and reads its header. */
    public static GgufFile open(Path path) throws IOException {
        throw new UnsupportedOperationException("skeleton");
    }

    /** The key-value part. */
    public GgufMetadata metadata() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** What the file says of its tensors, readable or not, in file order. */
    public List<TensorInfo> tensorInfos() {
        throw new UnsupportedOperationException("skeleton");
    }

    @Override
    public Set<String> names() {
        throw new UnsupportedOperationException("skeleton");
    }

    @Override
    public Optional<Tensor> find(String name) {
        throw new UnsupportedOperationException("skeleton");
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException("skeleton");
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
    }
}
