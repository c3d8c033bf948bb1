package io.jllm.cuda.compile;

import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.StepArrays.Field;
import io.jllm.cuda.kernels.attention.AttentionKernels;
import io.jllm.cuda.kernels.attention.DecodeKernels;
import io.jllm.cuda.kernels.attention.HeadKernels;
import io.jllm.cuda.memory.Activations;
import io.jllm.cuda.memory.KvCache;
import io.jllm.cuda.memory.StepUpload;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.HeadOp;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.quant.DType;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Where everything is that kernels read and write.
 *
 * @param kernels loaded
 * @param plan of the weights
 * @param weights where they start
 * @param activations the values
 * @param upload what changes from step to step
 * @param kv pages
 * @param kvType what they hold
 * @param blockSize positions a page
 * @param partial pieces of decode attention
 * @param counters of its blocks, all zero between launches
 * @param tasks for the tasks and rooms of chains, full of ones at first
 * @param chain how chains are launched; empty if they cannot be
 * @param rooms what some products need besides
 * @param pieces room for rows of 16 bits, of which a few meet dense weights
 * @param multiprocessors of the device
 */
public record DeviceState(Kernels kernels, WeightPlan plan, long weights, Activations activations, StepUpload upload, KvCache kv, DType kvType,
        int blockSize, long partial, long counters, DeviceMemory tasks, Optional<ChainShape> chain,
        Rooms rooms, ProductKernels.Room pieces, int multiprocessors) {
    /** Values that share a scale. */
    private static final int QUANT_BLOCK = 32;

    WeightPlan.Matrix matrix(String name) {
        return plan.matrix(List.of(name));
    }

    WeightPlan.Matrix matrix(List<Weight> run) {
        return plan.matrix(run.stream().map(Weight::name).toList());
    }

    long address(WeightPlan.Matrix m) {
        return weights + m.at();
    }

    long vector(String name) {
        return weights + plan.vectorOffset(name);
    }

    /** A norm that kernels of products or sums do, too. */
    ProductKernels.Norm norm(Op.RmsNorm n) {
        return new ProductKernels.Norm(vector(n.weight()), n.eps());
    }

    /** The biases of a run; 0 if it has none. */
    long bias(List<Weight> run) {
        return plan.biasOffset(run).map(at -> weights + at).orElse(0L);
    }

    /** A matrix as kernels read it, of which so many outputs come. */
    ProductKernels.Weights weights(WeightPlan.Matrix m, int outputs) {
        return new ProductKernels.Weights(m.format(), address(m), outputs, m.cols());
    }

    /** A value's rows, in all forms. */
    Rows rows(Value v) {
        return new Rows(activations.floats(v), Activations.pitch(v), activations.bytes(v), activations.scales(v));
    }

    long at(Field f) {
        return upload.address(f);
    }

    /** The type of keys and values as names of kernels end. */
    String kvSuffix() {
        return suffix(kvType);
    }

    /** A type of keys and values as names of kernels end. */
    public static String suffix(DType kvType) {
        return kvType.name().toLowerCase(Locale.ROOT);
    }

    /** Whether the product of one row by a run can be a task of a chain. */
    boolean chains(List<Weight> run) {
        WeightPlan.Matrix w = matrix(run);
        return !w.ordered() && w.outliers() == 0 && chain.filter(c -> c.multiplies(w)).isPresent(); // a chain's vector is as the value is
    }

    /** Whether the decode attention can write 8 bits: what a block computes fills whole blocks of values. */
    boolean storesBytes(Op.AttentionShape s) {
        return s.headDim() % 8 == 0 && s.headDim() * (s.heads() / s.kvHeads()) % QUANT_BLOCK == 0;
    }

    /** An activation as kernels number it. */
    static int number(Op.Activation kind) {
        return switch (kind) {
            case SILU -> 0;
            case GELU_TANH -> 1;
            case GELU -> 2;
            case RELU -> 3;
            case RELU_SQUARED -> 4;
            case SWIGLU_OAI -> 5;
        };
    }

    /** The pages of a layer. */
    AttentionKernels.Pages pages(int layer) {
        return new AttentionKernels.Pages(kv.address(), kv.blockBytes(), kv.layerAt(layer), blockSize);
    }

    /** The room of single queries' attention. */
    DecodeKernels.Partial partials() {
        return new DecodeKernels.Partial(partial, counters);
    }

    /** A rotation of any kind. */
    HeadKernels.Rotation rotation(Rope r) {
        HeadKernels.Longer longer = r.longer().map(l -> switch (l) {
            case Rope.Longer.Switched s -> new HeadKernels.Longer(s.above(), weights + plan.frequencyOffset(s), s.attentionFactor(), 0, 0);
            case Rope.Longer.Dynamic d -> new HeadKernels.Longer(d.above(), 0, d.attentionFactor(), (float) d.base(), (float) d.factor());
        }).orElse(HeadKernels.Longer.NONE);
        return new HeadKernels.Rotation(r.rotaryDim(), r.layout() == Rope.Layout.INTERLEAVED, frequencies(r), r.attentionFactor(), longer);
    }

    /** Linear biases, if there are any. */
    HeadKernels.Alibi alibi(Scores s) {
        return s.alibi().map(a -> new HeadKernels.Alibi(weights + plan.slopeOffset(a), a.factor(), a.bfloat16())).orElse(HeadKernels.Alibi.NONE);
    }

    /** A vector, or 0. */
    long vector(Optional<String> name) {
        return name.map(this::vector).orElse(0L);
    }

    private long frequencies(Rope rope) {
        return weights + plan.frequencyOffset(rope);
    }

    /** A rotation and the norms before it. */
    AttentionKernels.Rotation rotation(HeadOp.RopeStoreKv r) {
        return new AttentionKernels.Rotation(r.rope().rotaryDim(), r.rope().layout() == Rope.Layout.INTERLEAVED, frequencies(r.rope()),
                r.rope().attentionFactor(), r.norm().map(n -> vector(n.qWeight())).orElse(0L), r.norm().map(n -> vector(n.kWeight())).orElse(0L),
                r.norm().map(Op.QkNorm::eps).orElse(0f));
    }

    /** What the scores of an attention are made of. */
    static AttentionKernels.Scores scores(Op.PagedAttention a) {
        return new AttentionKernels.Scores(a.shape(), a.scores().scale(), a.scores().window(), a.scores().softCap());
    }
}
