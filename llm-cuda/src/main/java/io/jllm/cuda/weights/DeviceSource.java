package io.jllm.cuda.weights;

import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.WeightShape;
import io.jllm.quant.Assembled;
import io.jllm.quant.Grouped;
import io.jllm.quant.GroupedBlocks;
import io.jllm.quant.Halves;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The weights of a source as kernels read them. What is packed stays so, in blocks, whose columns may stand in an order of their own where products
 * alone read them ({@link #order}). What kernels do not read so becomes {@link io.jllm.quant.DType#F16}: groups that are no whole blocks, and what
 * is to meet some activations as floats.
 *
 * @param source closed with this
 * @param read what others than products read, whose columns must stand as they are
 * @param floats whether all activations are to be floats
 */
public record DeviceSource(WeightSource source, Set<String> read, boolean floats) implements WeightSource {
    private static final int[] AS_THEY_ARE = {};

    /**
     * For a program.
     *
     * @param floats whether all activations are to be floats, which meet no blocks
     */
    public static DeviceSource of(Program program, WeightSource source, boolean floats) {
        return new DeviceSource(source, program.ops().stream().filter(op -> !(op instanceof Op.Linear)).flatMap(op -> op.tensors().stream())
                .map(WeightShape::name).collect(Collectors.toUnmodifiableSet()), floats);
    }

    /** Which input each column of weights meets; empty if they stand as they are. */
    static int[] order(Weights w) {
        return blocks(w).map(GroupedBlocks::order).orElse(AS_THEY_ARE);
    }

    private static Optional<GroupedBlocks> blocks(Weights w) {
        return w instanceof Assembled a && a.parts().size() == 1 && a.parts().getFirst() instanceof GroupedBlocks b ? Optional.of(b)
                : Optional.empty();
    }

    private Weights read(Weights w) {
        if (w instanceof Grouped g) {
            Optional<GroupedBlocks> ordered = g.blocks().filter(b -> !floats && !read.contains(w.name()) && DeviceFormat.of(b.type()).isPresent());
            return ordered.<Weights>map(b -> new Assembled(w.name(), List.of(b))).orElseGet(() -> Halves.of(w));
        }
        boolean ofFiles = w.stored().filter(type -> type.ggmlId() >= 0).isPresent();
        boolean taken = !floats && w.stored().flatMap(DeviceFormat::of).isPresent() && blocks(w).filter(b -> b.outliers() > 0).isEmpty();
        return ofFiles || taken ? w : Halves.of(w);
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
