package io.jllm.cuda.kernels.attention;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.DeviceStruct;
import io.jllm.model.Op.AttentionShape;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;

/** A task of a chain, as {@code chain/chain_attention.cuh} reads it. Addresses are the device's; 0 stands for what is not there. */
public sealed interface Task {
    /** Its struct; what a kind of task does not use is 0. */
    DeviceStruct STRUCT = new DeviceStruct("task", MemoryLayout.structLayout(
            JAVA_INT.withName("kind"), JAVA_INT.withName("format"), JAVA_LONG.withName("from"), JAVA_LONG.withName("x"), JAVA_LONG.withName("norm"),
            JAVA_LONG.withName("bias"), JAVA_LONG.withName("residual"), JAVA_LONG.withName("y"), JAVA_LONG.withName("counter"),
            JAVA_LONG.withName("layerAt"), JAVA_INT.withName("N"), JAVA_INT.withName("K"), JAVA_INT.withName("act"), JAVA_FLOAT.withName("eps"),
            JAVA_INT.withName("heads"), JAVA_INT.withName("kvHeads"), JAVA_INT.withName("headDim"), JAVA_INT.withName("window"),
            JAVA_INT.withName("rotaryDim"), JAVA_INT.withName("interleaved"), JAVA_FLOAT.withName("scale"), JAVA_FLOAT.withName("softCap"),
            JAVA_FLOAT.withName("factor"), MemoryLayout.paddingLayout(20)));

    /** Writes it to a place of that many bytes, all 0. */
    void write(MemorySegment to);

    /** Bytes of weights that it reads. */
    default long weightBytes() {
        return 0;
    }

    private static void set(MemorySegment to, String member, int value) {
        to.set(JAVA_INT, STRUCT.at(member), value);
    }

    private static void set(MemorySegment to, String member, long value) {
        to.set(JAVA_LONG, STRUCT.at(member), value);
    }

    private static void set(MemorySegment to, String member, float value) {
        to.set(JAVA_FLOAT, STRUCT.at(member), value);
    }

    /**
     * A product of one row, normed before if there are norm weights.
     *
     * @param format of the weights
     * @param weights the matrix; with a gate it has twice as many rows as outputs
     * @param x the row
     * @param norm norm weights
     * @param eps of the norm
     * @param bias what is added
     * @param residual what is added; may be y
     * @param y where outputs go
     * @param counter its own, 0 before and after
     * @param outputs how many; with a gate a multiple of 4
     * @param cols columns of the matrix
     * @param act -1 without a gate, else the activation
     */
    record Product(DeviceFormat format, long weights, long x, long norm, float eps, long bias, long residual, long y, long counter, int outputs,
            int cols, int act) implements Task {
        private static final int KIND = 0;

        @Override
        public long weightBytes() {
            return format.bytes(act < 0 ? outputs : 2L * outputs, cols);
        }

        @Override
        public void write(MemorySegment to) {
            set(to, "kind", KIND);
            set(to, "format", format.number());
            set(to, "from", weights);
            set(to, "x", x);
            set(to, "norm", norm);
            set(to, "bias", bias);
            set(to, "residual", residual);
            set(to, "y", y);
            set(to, "counter", counter);
            set(to, "N", outputs);
            set(to, "K", cols);
            set(to, "act", act);
            set(to, "eps", eps);
        }
    }

    /**
     * The rotation and storing of one row, and its attention.
     *
     * @param qkv the row
     * @param y where the result goes
     * @param layerAt where the layer is in a block
     * @param scores what scores are made of
     * @param rotation of queries and keys
     */
    record Attention(long qkv, long y, long layerAt, AttentionKernels.Scores scores, AttentionKernels.Rotation rotation) implements Task {
        private static final int KIND = 1;

        @Override
        public void write(MemorySegment to) {
            AttentionShape s = scores.shape();
            set(to, "kind", KIND);
            set(to, "from", qkv);
            set(to, "norm", rotation.qNorm());
            set(to, "bias", rotation.kNorm());
            set(to, "residual", rotation.frequencies());
            set(to, "y", y);
            set(to, "layerAt", layerAt);
            set(to, "eps", rotation.eps());
            set(to, "heads", s.heads());
            set(to, "kvHeads", s.kvHeads());
            set(to, "headDim", s.headDim());
            set(to, "window", scores.window());
            set(to, "rotaryDim", rotation.dim());
            set(to, "interleaved", rotation.interleaved() ? 1 : 0);
            set(to, "scale", scores.scale());
            set(to, "softCap", scores.softCap());
            set(to, "factor", rotation.factor());
        }
    }
}
