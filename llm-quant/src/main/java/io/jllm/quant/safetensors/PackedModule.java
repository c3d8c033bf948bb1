package io.jllm.quant.safetensors;

import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.Grouped;
import io.jllm.quant.GroupedBlocks;
import io.jllm.quant.Grouping;
import io.jllm.quant.Part;
import io.jllm.quant.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The tensors that make the weight of a module, which is packed. */
final class PackedModule {
    private final CheckpointTensor first;
    private final String prefix;
    private final Map<String, CheckpointTensor> byName;
    private final Set<String> used;

    /**
     * Of a module.
     *
     * @param first the tensor with its numbers
     * @param kind what ends the name of that tensor
     * @param byName all tensors
     * @param used receives the names of those that are asked for
     */
    PackedModule(CheckpointTensor first, String kind, Map<String, CheckpointTensor> byName, Set<String> used) {
        this.first = first;
        this.prefix = first.name().substring(0, first.name().length() - kind.length());
        this.byName = byName;
        this.used = used;
        used.add(first.name());
    }

    /** One of its tensors, if it is there. */
    Optional<CheckpointTensor> find(String kind) {
        Optional<CheckpointTensor> found = Optional.ofNullable(byName.get(prefix + kind));
        found.ifPresent(t -> used.add(t.name()));
        return found;
    }

    /** One of its tensors, which must be there and of one of these types. */
    Tensor need(String kind, DType... types) {
        return plain(find(kind).orElseThrow(() -> first.broken("needs " + prefix + kind + ", which is missing")), types);
    }

    /** The values of a tensor, which must be of one of these types. */
    static Tensor plain(CheckpointTensor t, DType... types) {
        if (t.values() instanceof CheckpointTensor.Plain(Tensor values) && List.of(types).contains(values.type())) {
            return values;
        }
        throw t.broken("is of type " + t.dtype() + "; here it must be " + List.of(types));
    }

    /** The bytes of a tensor of any type that can be held. */
    static MemorySegment bytes(CheckpointTensor t) {
        if (t.values() instanceof CheckpointTensor.Plain(Tensor values)) {
            return values.data();
        }
        throw t.broken("is of type " + t.dtype() + ", which cannot be read");
    }

    /** Complains of the first tensor. */
    FormatException broken(String problem) {
        return first.broken(problem);
    }

    /** That sizes are what they must be. */
    void check(boolean fits, String shapes) {
        if (!fits) {
            throw first.broken("of shape " + first.shape() + " does not fit the others of its module: " + shapes);
        }
    }

    /** A number of columns or rows as it is used from here on. */
    int size(long n) {
        if (n < 1 || n > Integer.MAX_VALUE - 8) {
            throw first.broken("has " + n + " columns or groups; supported are 1 to " + (Integer.MAX_VALUE - 8));
        }
        return (int) n;
    }

    /** Columns whose groups are said one by one. */
    Grouping ordered(Grouping plain, int[] groupOf, int groups) {
        try {
            return plain.ordered(groupOf, groups);
        } catch (IllegalArgumentException e) {
            throw new FormatException(first.file().toString(), "tensor " + first.name(), "has groups that do not fit it: " + e.getMessage(), e);
        }
    }

    /** The weight that its tensors make. */
    CheckpointTensor made(String format, List<Long> shape, Part part) {
        return new CheckpointTensor(first.file(), prefix + "weight", format, shape, new CheckpointTensor.Made(part));
    }

    /** The weight that its tensors make: in blocks of a format with fast kernels, where they hold the same values. */
    CheckpointTensor weight(String format, Grouping grouping, Grouped.Numbers numbers, long rows) {
        var grouped = new Grouped(prefix + "weight", format, grouping, numbers, rows);
        CheckpointTensor.Values values = GroupedBlocks.of(grouped)
                .<CheckpointTensor.Values>map(b -> b.isOrdered() ? new CheckpointTensor.Packed(grouped.with(b)) : new CheckpointTensor.Made(b))
                .orElseGet(() -> new CheckpointTensor.Packed(grouped));
        return new CheckpointTensor(first.file(), prefix + "weight", format, List.of(rows, (long) grouping.cols()), values);
    }
}
