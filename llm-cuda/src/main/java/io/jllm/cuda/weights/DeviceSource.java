package io.jllm.cuda.weights;

import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.WeightShape;
import io.jllm.quant.Assembled;
import io.jllm.quant.DType;
import io.jllm.quant.Grouped;
import io.jllm.quant.GroupedBlocks;
import io.jllm.quant.Rounded;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The weights of a source as kernels read them. What is packed stays so, in blocks, whose columns may stand in an order of their own where products
 * alone read them ({@link #order}). What kernels do not read so becomes {@link DType#F16}: groups that are no whole blocks, for one.
 *
 * @param source closed with this
 * @param read what others than products read, whose columns must stand as they are
 * @param logits what logits are products of: there may be many rows, which meet blocks as bytes, without exceptions
 * @param floats whether all activations are to be floats
 */
public record DeviceSource(WeightSource source, Set<String> read, Set<String> logits, boolean floats) implements WeightSource {
    private static final int[] AS_THEY_ARE = {};

    /**
     * For a program.
     *
     * @param floats whether all activations are to be floats, which meet no blocks
     */
    public static DeviceSource of(Program program, WeightSource source, boolean floats) {
        return new DeviceSource(source, names(program, op -> !(op instanceof Op.Linear)),
                names(program, op -> op instanceof Op.Linear l && l.out().rows() == Value.Rows.LOGITS), floats);
    }

    private static Set<String> names(Program program, Predicate<Op> which) {
        return program.ops().stream().filter(which).flatMap(op -> op.tensors().stream()).map(WeightShape::name)
                .collect(Collectors.toUnmodifiableSet());
    }

    /** Which input each column of weights meets; empty if they stand as they are. */
    static int[] order(Weights w) {
        return blocks(w).map(GroupedBlocks::order).orElse(AS_THEY_ARE);
    }

    /** The magnitude from which on activations meet weights as floats, where others have 8 bits; 0 if they do not. */
    static float outliers(Weights w) {
        return blocks(w).map(GroupedBlocks::outliers).orElse(0f);
    }

    private static Optional<GroupedBlocks> blocks(Weights w) {
        return w instanceof Assembled a && a.parts().size() == 1 && a.parts().getFirst() instanceof GroupedBlocks b ? Optional.of(b)
                : Optional.empty();
    }

    private Weights read(Weights w) {
        if (w instanceof Grouped g) {
            Optional<GroupedBlocks> ordered = g.blocks().filter(b -> !floats && !read.contains(w.name()) && DeviceFormat.of(b.type()).isPresent());
            return ordered.<Weights>map(b -> new Assembled(w.name(), List.of(b))).orElseGet(() -> Rounded.of(w, DType.F16));
        }
        boolean someOutliers = w instanceof Assembled a && a.parts().stream().anyMatch(p -> p instanceof GroupedBlocks b && b.outliers() > 0);
        boolean ofFiles = w.stored().filter(type -> type.ggmlId() >= 0).isPresent();
        boolean takesOut = outliers(w) > 0 && !read.contains(w.name()) && !logits.contains(w.name());
        boolean taken = w.stored().flatMap(DeviceFormat::of).filter(f -> !floats || f.floats()).isPresent() && (takesOut || !someOutliers);
        return ofFiles || taken ? w : Rounded.of(w, DType.F16);
    }

    @Override
    public Set<String> names() {
        return source.names();
    }

    @Override
    public Optional<Weights> find(String name) {
        return source.find(name).map(this::read);
    }

    @Override
    public Weights get(String name) {
        return read(source.get(name));
    }

    @Override
    public void close() {
        source.close();
    }
}
