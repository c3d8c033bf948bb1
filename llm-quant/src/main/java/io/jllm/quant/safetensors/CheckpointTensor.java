package io.jllm.quant.safetensors;

import io.jllm.quant.Assembled;
import io.jllm.quant.FormatException;
import io.jllm.quant.Grouped;
import io.jllm.quant.GroupedBlocks;
import io.jllm.quant.Part;
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

    /** Whole numbers in groups. */
    record Packed(Grouped grouped) implements Values {
    }

    /** Blocks of a format, or floats, made of what is stored. */
    record Made(Part part) implements Values {
    }

    FormatException broken(String problem) {
        return new FormatException(file.toString(), "tensor " + name, problem);
    }

    CheckpointTensor with(Values other) {
        return new CheckpointTensor(file, name, dtype, shape, other);
    }

    /** The same, of which inputs above a threshold meet values as floats: what only blocks of signed bytes have. */
    CheckpointTensor withOutliers(float threshold) {
        return values instanceof Made(GroupedBlocks b) && threshold > 0
                ? b.withOutliers(threshold).map(o -> with(new Made(o))).orElse(this) : this;
    }

    CheckpointTensor renamed(String other) {
        return new CheckpointTensor(file, other, dtype, shape, values);
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
            case Packed(Grouped g) -> g.named(as);
            case Made(Part p) -> new Assembled(as, List.of(p));
            case Unreadable _ -> throw broken("is of type " + dtype + ", which cannot be read");
        };
    }

    /** Rows, or elements of a vector, from {@code from} (inclusive) to {@code to} (exclusive). */
    Weights part(String as, long from, long to) {
        return switch (values) {
            case Plain(Tensor t) when isVector() -> new Tensor(as, t.type(), 1, to - from, t.data().asSlice(t.type().bytes(from),
                    t.type().bytes(to - from)));
            case Plain(Tensor t) -> t.rows(as, from, to);
            case Made _ when isVector() -> throw broken("is a vector of type " + dtype + ", which cannot be cut");
            case Packed(Grouped g) -> g.rows(from, to).named(as);
            case Made(Part p) -> new Assembled(as, List.of(p.rows(from, to)));
            case Unreadable _ -> throw broken("is of type " + dtype + ", which cannot be read");
        };
    }
}
