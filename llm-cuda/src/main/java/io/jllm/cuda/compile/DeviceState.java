package io.jllm.cuda.compile;

import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.memory.Activations;
import io.jllm.cuda.memory.KvCache;
import io.jllm.cuda.memory.StepUpload;
import io.jllm.cuda.memory.StepUpload.Field;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.Op;
import io.jllm.model.Rope;
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
 * @param area of the values
 * @param upload what changes from step to step
 * @param kv pages
 * @param kvType what they hold
 * @param blockSize positions a page
 * @param partial pieces of decode attention
 * @param counters of its blocks, all zero between launches
 * @param shares counters for products of one row, a number each, all zero between launches
 * @param tasks room for the tasks of chains
 * @param chain how chains are launched; empty if they cannot be
 * @param tensors room for products on tensor cores; empty where there is no library for them, or no use
 * @param multiprocessors of the device
 */
public record DeviceState(Kernels kernels, WeightPlan plan, long weights, Activations area, StepUpload upload, KvCache kv, DType kvType,
        int blockSize, long partial,
               long counters, long shares, DeviceMemory tasks, Optional<ChainShape> chain,
               Optional<TensorProduct.Room> tensors, int multiprocessors) {
    static final int ATTENTION_BLOCK = 128;
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

    /** The biases of a run; 0 if it has none. */
    long bias(List<Weight> run) {
        return plan.biasOffset(run).map(at -> weights + at).orElse(0L);
    }

    long floats(Value v) {
        return area.floats(v);
    }

    long bytes(Value v) {
        return area.bytes(v);
    }

    long scales(Value v) {
        return area.scales(v);
    }

    long at(Field f) {
        return upload.address(f);
    }

    String kvSuffix() {
        return suffix(kvType);
    }

    private static String suffix(DType type) {
        return type.name().toLowerCase(Locale.ROOT);
    }

    /** Whether the product of one row by a run can be a task of a chain. */
    boolean chains(List<Weight> run) {
        return chain.filter(c -> c.multiplies(matrix(run))).isPresent();
    }

    /** The kernel for chains. */
    String chainKernel() {
        return chainKernel(kvType);
    }

    public static String chainKernel(DType kvType) {
        return "chain_" + suffix(kvType);
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
        };
    }

    /** Adds the arguments that say where a layer's pages are. */
    Launch pages(Launch launch, int layer) {
        return launch.pointer(kv.address()).wide(kv.blockBytes()).wide(kv.layerAt(layer));
    }

    /** The frequencies of a rotation. */
    long frequencies(Rope rope) {
        return weights + plan.frequencyOffset(rope);
    }

    /** Adds the arguments of a rotation, from the rotary dimension on. */
    Launch rotation(Launch launch, Op.RopeStoreKv r) {
        return launch.integer(r.rope().rotaryDim()).integer(r.rope().layout() == Rope.Layout.INTERLEAVED ? 1 : 0)
                .pointer(frequencies(r.rope())).real(r.rope().attentionFactor())
                .pointer(r.norm().map(n -> vector(n.qWeight())).orElse(0L)).pointer(r.norm().map(n -> vector(n.kWeight())).orElse(0L))
                .real(r.norm().map(Op.QkNorm::eps).orElse(0f));
    }

    /** Adds the arguments from the size of a page to the soft cap. */
    Launch scores(Launch launch, Op.PagedAttention a) {
        Op.AttentionShape s = a.shape();
        return launch.integer(blockSize).integer(s.heads()).integer(s.kvHeads()).integer(s.headDim()).real(a.scale()).integer(a.window())
                .real(a.softCap());
    }

    /** Adds the arguments of the decode attention, from the pages on. */
    Launch attention(Launch launch, Op.PagedAttention a) {
        pages(launch, a.layer()).pointer(at(Field.SINGLE_ROW)).pointer(at(Field.SINGLE_SEQUENCE)).pointer(at(Field.CONTEXT))
                .pointer(at(Field.TABLE_AT))
                .pointer(at(Field.TABLE));
        return scores(launch, a).pointer(partial).pointer(counters).pointer(at(Field.PIECES));
    }
}
