package io.jllm.quant.safetensors;

import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A tensor of a safetensors file, read or to be written.
 *
 * @param name its name in the file
 * @param type storage type, of blocks of one value
 * @param shape dimensions: the contiguous one last, none for a scalar
 * @param data its bytes, little-endian
 */
public record StoredTensor(String name, DType type, List<Long> shape, MemorySegment data) {
    /**
     * Checks that the bytes are as many as the shape says.
     *
     * @throws IllegalArgumentException if they are not, or the type is one of blocks
     */
    public StoredTensor {
        shape = List.copyOf(shape);
        long elements = shape.stream().reduce(1L, Math::multiplyExact);
        if (type.blockElements() != 1 || data.byteSize() != type.bytes(elements)) {
            throw new IllegalArgumentException("tensor " + name + " of shape " + shape + " and type " + type + " cannot have " + data.byteSize()
                    + " bytes in a safetensors file");
        }
    }
}
