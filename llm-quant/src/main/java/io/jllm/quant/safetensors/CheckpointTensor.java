package io.jllm.quant.safetensors;

import io.jllm.quant.Assembled;
import io.jllm.quant.FormatException;
import io.jllm.quant.Scaled;
import io.jllm.quant.Tensor;
import io.jllm.quant.Weights;
import java.nio.file.Path;
import java.util.List;

/**
 * A tensor of a checkpoint, under the name that the file has.
 *
 * @param file where it is
 * @param name its name
 * @param dtype the file's word for its type
 * @param shape dimensions: the contiguous one last
 * @param values what can be read of it
 */
record CheckpointTensor(Path file, String name, String dtype, List<Long> shape, Values values) {
    /** Values, however they are stored. */
    sealed interface Values {
    }

    /** Of a type that cannot be read. */
    record Unreadable() implements Values {
    }

    /** As they are stored. */
    record Plain(Tensor tensor) implements Values {
    }

    /** Times their scales. */
    record Multiplied(Scaled scaled) implements Values {
    }

    FormatException broken(String problem) {
        return new FormatException(file.toString(), "tensor " + name, problem);
    }

    CheckpointTensor with(Values other) {
        return new CheckpointTensor(file, name, dtype, shape, other);
    }

    boolean readable() {
        return !(values instanceof Unreadable);
    }

    boolean isVector() {
        return shape.size() == 1;
    }

    /** Rows, or elements of a vector. */
    long rows() {
        return isVector() ? shape.getFirst() : shape.stream().limit(Math.max(0, shape.size() - 1)).reduce(1L, Math::multiplyExact);
    }

    /** All of it. */
    Weights named(String as) {
        return switch (values) {
            case Plain(Tensor t) -> t.named(as);
            case Multiplied(Scaled s) -> new Assembled(as, List.of(s));
            case Unreadable _ -> throw broken("is of type " + dtype + ", which cannot be read");
        };
    }

    /** Rows, or elements of a vector, from {@code from} (inclusive) to {@code to} (exclusive). */
    Weights part(String as, long from, long to) {
        return switch (values) {
            case Plain(Tensor t) when isVector() -> new Tensor(as, t.type(), 1, to - from, t.data().asSlice(t.type().bytes(from),
                    t.type().bytes(to - from)));
            case Plain(Tensor t) -> t.rows(as, from, to);
            case Multiplied _ when isVector() -> throw broken("is a vector of type " + dtype + ", which cannot be cut");
            case Multiplied(Scaled s) -> new Assembled(as, List.of(s.rows(from, to)));
            case Unreadable _ -> throw broken("is of type " + dtype + ", which cannot be read");
        };
    }
}
