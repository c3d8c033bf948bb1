package io.jllm.convert.packed;

import io.jllm.ModelLoadException;
import io.jllm.convert.packed.layer.Expert;
import io.jllm.convert.packed.layer.ExpertStage;
import io.jllm.convert.packed.layer.Layer;
import io.jllm.convert.packed.layer.Overlay;
import io.jllm.convert.packed.solve.GptqSolver;
import io.jllm.convert.packed.solve.Moments;
import io.jllm.convert.packed.solve.Nearest;
import io.jllm.convert.packed.solve.Rounding;
import io.jllm.model.Weight;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import io.jllm.quant.safetensors.GroupNumbers;
import io.jllm.quant.safetensors.StoredTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * GPTQ of the experts of a layer, each by the inputs of those tokens that chose it. An expert that got too few is rounded to the nearest numbers,
 * and a note says so: what so few inputs say of its errors would be worse than nothing.
 */
record ExpertPacker(PackMethod.Gptq method, PackContext context) {
    /** Tokens below which an expert's inputs say too little. */
    static final int FEW = 64;
    /** Bytes of mean squares that are held at once, or one expert's. */
    private static final long MOMENT_BYTES = 1L << 30;

    /**
     * Quantises those of a stage.
     *
     * @param tensors receives what takes the place of the checkpoint's
     * @param values receives what readers will unpack, and has that of what was quantised before
     */
    void pack(Layer layer, ExpertStage stage, MemorySegment inputs, Arena arena, List<StoredTensor> tensors, Map<String, Weights> values)
            throws IOException {
        context.meter().begin(PackContext.weights(stage));
        WeightSource now = method.sequential() ? new Overlay(context.model().weights(), Map.copyOf(values)) : context.model().weights();
        int[] chosen = chosen(layer, stage, inputs, now);
        var made = new HashMap<String, MemorySegment>();
        for (Weight w : stage.weights()) {
            made.put(w.name(), arena.allocate((long) stage.experts() * w.rows() * stage.width() * Float.BYTES, Float.BYTES));
        }
        var few = new ArrayList<Integer>();
        long each = Moments.bytes(stage.width());
        int together = (int) Math.clamp(MOMENT_BYTES / each, 1, stage.experts());
        for (int from = 0; from < stage.experts(); from += together) {
            int to = Math.min(stage.experts(), from + together);
            List<Moments> moments = moments(layer, stage, inputs, now, chosen, from, to);
            for (int e = from; e < to; e++) {
                Moments own = moments.set(e - from, new Moments(0)); // which are large, and not needed again
                if (own.count() < FEW) {
                    few.add(e);
                }
                pack(stage, e, own, tensors, made);
            }
        }
        for (Weight w : stage.weights()) {
            values.put(w.name(), new Tensor(w.name(), DType.F32, (long) stage.experts() * w.rows(), stage.width(), made.get(w.name())));
        }
        if (!few.isEmpty()) {
            context.notes().accept(few.size() + " of " + stage.experts() + " experts of " + stage.weights().getFirst().name() + " got fewer than "
                    + FEW + " tokens of the text, and are rounded to the nearest numbers: " + few + "; a longer text helps");
        }
        context.meter().add(PackContext.weights(stage));
    }

    /** The experts that each token chose. */
    private int[] chosen(Layer layer, ExpertStage stage, MemorySegment inputs, WeightSource weights) throws IOException {
        int width = stage.route().width();
        int each = stage.chosen();
        var all = new int[Math.toIntExact(context.runner().tokens() * each)];
        var next = new int[1];
        context.runner().run(layer, inputs, stage.route(), weights, (rows, count) -> {
            for (int r = 0; r < count; r++) {
                for (int k = 0; k < each; k++) {
                    all[next[0]++] = (int) rows.getAtIndex(ValueLayout.JAVA_FLOAT, (long) r * width + k);
                }
            }
        });
        return all;
    }

    /** Of some experts' inputs. */
    private List<Moments> moments(Layer layer, ExpertStage stage, MemorySegment inputs, WeightSource weights, int[] chosen, int from, int to)
            throws IOException {
        List<Moments> moments = new ArrayList<>(IntStream.range(from, to).mapToObj(_ -> new Moments(stage.width())).toList());
        double share = (double) (to - from) / stage.experts() / context.runner().tokens();
        long rowBytes = (long) stage.in().width() * Float.BYTES;
        long inputBytes = (long) stage.width() * Float.BYTES;
        var next = new int[1];
        context.runner().run(layer, inputs, stage.in(), weights, (rows, count) -> {
            for (int r = 0; r < count; r++) {
                for (int k = 0; k < stage.chosen(); k++) {
                    int e = chosen[next[0]++];
                    if (e >= from && e < to) {
                        long at = r * rowBytes + (stage.inputs() == 1 ? 0 : k * inputBytes);
                        moments.get(e - from).add(rows.asSlice(at, inputBytes), 1, context.parallel());
                    }
                }
            }
            context.meter().part(count * share);
        });
        return moments;
    }

    private void pack(ExpertStage stage, int expert, Moments moments, List<StoredTensor> tensors, Map<String, MemorySegment> made)
            throws IOException {
        List<Expert> modules = stage.modules(expert, context.model(), context.checkpoint());
        var rounding = new Rounding(method.numbers().bits(), method.numbers().symmetric());
        int size = PackContext.size(method.groupSize(), stage.width());
        boolean enough = moments.count() >= FEW;
        List<GroupNumbers> rounded = new ArrayList<>();
        if (enough) {
            GptqSolver solver = GptqSolver.of(moments.meanSquares(context.parallel()), method.actOrder(), method.damping(), context.parallel())
                    .orElseThrow(() -> new ModelLoadException("the inputs of " + modules.getFirst().name()
                            + " are not finite, or of no use: the text or the model is broken"));
            for (Expert m : modules) {
                rounded.add(solver.round(m, new GptqSolver.Groups(rounding, size, method.staticGroups()), context.parallel()));
            }
        } else {
            for (Expert m : modules) {
                rounded.add(Nearest.round(m, rounding, size, context.parallel()));
            }
        }
        for (int i = 0; i < modules.size(); i++) {
            Expert m = modules.get(i);
            tensors.addAll(rounded.get(i).gptq(m.name(), !method.numbers().second()));
            store(rounded.get(i), m, made.get(m.matrix().name()), expert);
        }
    }

    private static void store(GroupNumbers numbers, Expert module, MemorySegment to, int expert) {
        var row = new float[module.cols()];
        for (int r = 0; r < module.rows(); r++) {
            numbers.decode(r, row);
            MemorySegment.copy(row, 0, to, ValueLayout.JAVA_FLOAT, ((long) expert * module.rows() + r) * row.length * Float.BYTES, row.length);
        }
    }
}
