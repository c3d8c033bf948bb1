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
            JAVA_LONG.withName("bias"), JAVA_LONG.withName("residual"), JAVA_LONG.withName("y"), JAVA_LONG.withName("out"),
            JAVA_LONG.withName("layerAt"), JAVA_INT.withName("N"), JAVA_INT.withName("K"), JAVA_INT.withName("act"), JAVA_FLOAT.withName("eps"),
            JAVA_INT.withName("heads"), JAVA_INT.withName("kvHeads"), JAVA_INT.withName("headDim"), JAVA_INT.withName("window"),
            JAVA_INT.withName("rotaryDim"), JAVA_INT.withName("interleaved"), JAVA_FLOAT.withName("scale"), JAVA_FLOAT.withName("softCap"),
            JAVA_FLOAT.withName("factor"), JAVA_INT.withName("fresh"),
            JAVA_LONG.withName("records"), MemoryLayout.paddingLayout(8)));
    /** Bits of `fresh`. */
    int FRESH_ROW = 1;
    /** The other one. */
    int FRESH_RESIDUAL = 2;

    /**
     * Writes it to a place of that many bytes, all 0.
     *
     * @param room where the first half of the chain's room is
     */
    void write(MemorySegment to, long room);

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
     * @param records where the row goes in 8 bits, as a float of the room; -1 for dense weights
     * @param outputs how many; with a gate a multiple of 4
     * @param cols columns of the matrix
     * @param act -1 without a gate, else the activation
     */
    record Product(DeviceFormat format, long weights, ChainRoom.Input x, long norm, float eps, long bias, ChainRoom.Input residual,
            ChainRoom.Output y, long records, int outputs, int cols, int act) implements Task {
        private static final int KIND = 0;

        @Override
        public long weightBytes() {
            return format.bytes(act < 0 ? outputs : 2L * outputs, cols);
        }

        @Override
        public void write(MemorySegment to, long room) {
            set(to, "kind", KIND);
            set(to, "format", format.number());
            set(to, "from", weights);
            set(to, "x", x.in(room));
            set(to, "norm", norm);
            set(to, "bias", bias);
            set(to, "residual", residual.in(room));
            set(to, "y", y.among());
            set(to, "out", y.in(room));
            set(to, "fresh", (x.fresh() ? FRESH_ROW : 0) | (residual.fresh() ? FRESH_RESIDUAL : 0));
            set(to, "records", records < 0 ? 0 : room + Float.BYTES * records);
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
     * @param counters one for each head, as a float of the room
     * @param layerAt where the layer is in a block
     * @param scores what scores are made of
     * @param rotation of queries and keys
     */
    record Attention(ChainRoom.Input qkv, ChainRoom.Output y, long counters, long layerAt, AttentionKernels.Scores scores,
            AttentionKernels.Rotation rotation) implements Task {
        private static final int KIND = 1;

        @Override
        public void write(MemorySegment to, long room) {
            AttentionShape s = scores.shape();
            set(to, "kind", KIND);
            set(to, "from", qkv.in(room));
            set(to, "norm", rotation.qNorm());
            set(to, "bias", rotation.kNorm());
            set(to, "residual", rotation.frequencies());
            set(to, "y", y.among());
            set(to, "out", y.in(room));
            set(to, "fresh", qkv.fresh() ? FRESH_ROW : 0);
            set(to, "records", room + Float.BYTES * counters);
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
