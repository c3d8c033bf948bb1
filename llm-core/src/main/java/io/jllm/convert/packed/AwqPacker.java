package io.jllm.convert.packed;

import io.jllm.convert.packed.algebra.Symmetric;
import io.jllm.convert.packed.layer.Layer;
import io.jllm.convert.packed.layer.Linear;
import io.jllm.convert.packed.layer.Stage;
import io.jllm.convert.packed.solve.ClipSearch;
import io.jllm.convert.packed.solve.Moments;
import io.jllm.convert.packed.solve.Nearest;
import io.jllm.convert.packed.solve.Rounding;
import io.jllm.convert.packed.solve.ScaleSearch;
import io.jllm.convert.packed.solve.WeightRows;
import io.jllm.model.HeadOp;
import io.jllm.model.Op;
import io.jllm.quant.safetensors.StoredTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;

/**
 * AWQ, with the inputs of the float model throughout. Products are taken from the last to the first, so that it is known what they must make
 * smaller before their weights are rounded. Source: AutoAWQ.
 */
record AwqPacker(PackMethod.Awq method, PackContext context) implements LayerPacker {
    private static final Rounding ROUNDING = new Rounding(4, false);

    @Override
    public boolean wantsText() {
        return true;
    }

    @Override
    public Packed pack(Layer layer, MemorySegment inputs, Arena arena) throws IOException {
        var tensors = new ArrayList<StoredTensor>();
        var divisors = new HashMap<Op.Linear, double[]>();
        for (Stage stage : layer.stages().reversed()) {
            List<Linear> modules = context.modules(stage);
            long weights = modules.stream().mapToLong(m -> (long) m.rows() * m.cols()).sum();
            context.meter().begin(weights);
            Moments moments = context.moments(layer, stage, inputs, context.model().weights());
            Symmetric squares = moments.meanSquares(context.parallel());
            double[] scales = scales(layer, stage, modules, squares, moments.meanMagnitudes(), tensors, divisors);
            for (Linear m : modules) {
                int size = PackContext.size(method.groupSize(), m.cols());
                WeightRows rows = new Scaled(m, scales, divisors);
                if (method.clip()) {
                    rows = ClipSearch.limited(rows, squares, scales, limited(layer, m), ROUNDING, size, context.parallel());
                }
                tensors.addAll(Nearest.round(rows, ROUNDING, size, context.parallel()).awq(m.name()));
                tensors.addAll(biases(m, divisors));
            }
            context.meter().add(weights);
        }
        return new Packed(tensors, Map.of());
    }

    /** What weights of each input are multiplied with; whoever makes the inputs is told. */
    private double[] scales(Layer layer, Stage stage, List<Linear> modules, Symmetric squares, double[] magnitudes, List<StoredTensor> tensors,
            Map<Op.Linear, double[]> divisors) throws IOException {
        var none = new double[squares.size()];
        Arrays.fill(none, 1);
        AwqSource source = AwqSource.of(layer, stage);
        if (source instanceof AwqSource.None || source instanceof AwqSource.Norm n && !FloatVector.isStored(n.weight(), context)) {
            return none;
        }
        var search = new ScaleSearch(ROUNDING, PackContext.size(method.groupSize(), squares.size()), context.parallel());
        double[] scales = search.find(List.copyOf(modules), squares, magnitudes);
        return switch (source) {
            case AwqSource.Norm n -> {
                var weight = FloatVector.of(n.weight(), context);
                double[] exact = weight.divide(scales);
                tensors.add(weight.stored());
                if (n.bias().isPresent()) {
                    var bias = FloatVector.of(n.bias().get(), context);
                    bias.divide(exact);
                    tensors.add(bias.stored());
                }
                yield exact;
            }
            case AwqSource.Rows r -> {
                double[] all = divisors.computeIfAbsent(r.op(), AwqPacker::ones);
                for (int i = 0; i < scales.length; i++) {
                    all[r.first() + i] *= scales[i];
                }
                yield scales;
            }
            case AwqSource.None _ -> none;
        };
    }

    private static double[] ones(Op.Linear op) {
        var all = new double[op.out().width()];
        Arrays.fill(all, 1);
        return all;
    }

    /** Biases of outputs that are made smaller. */
    private List<StoredTensor> biases(Linear module, Map<Op.Linear, double[]> divisors) {
        var biases = new ArrayList<StoredTensor>();
        for (Linear.Part part : module.parts()) {
            Optional<String> bias = part.op().weights().stream().filter(w -> w.name().equals(part.weights().name())).findFirst()
                    .flatMap(w -> w.bias());
            if (bias.isPresent() && divisors.containsKey(part.op())) {
                int first = part.firstOutput();
                var vector = FloatVector.of(bias.get(), context);
                vector.divide(Arrays.copyOfRange(divisors.get(part.op()), first, first + Math.toIntExact(part.weights().rows())));
                biases.add(vector.stored());
            }
        }
        return biases;
    }

    /** Queries and keys are let be: their products grow together. */
    private static IntPredicate limited(Layer layer, Linear module) {
        return row -> {
            Op.Linear op = module.part(row).op();
            return layer.readers(op.out()).stream().allMatch(reader -> switch (reader) {
                case HeadOp.RopeStoreKv s -> module.output(row) >= s.shape().qDim() + s.shape().kvDim();
                case HeadOp.NormHeads n -> module.output(row) >= n.shape().qDim() + n.shape().kvDim();
                case HeadOp.Rotate r -> module.output(row) >= r.shape().qDim() + r.shape().kvDim();
                case HeadOp _ -> false;
                default -> true;
            });
        };
    }

    /** Weights times what their inputs are divided by, over what their outputs are to be divided by. */
    private record Scaled(Linear module, double[] scales, Map<Op.Linear, double[]> divisors) implements WeightRows {
        @Override
        public int rows() {
            return module.rows();
        }

        @Override
        public int cols() {
            return module.cols();
        }

        @Override
        public void read(int row, double[] to) {
            module.read(row, to);
            double[] all = divisors.get(module.part(row).op());
            double divisor = all == null ? 1 : all[module.output(row)];
            for (int i = 0; i < scales.length; i++) {
                to[i] *= scales[i] / divisor;
            }
        }
    }
}
