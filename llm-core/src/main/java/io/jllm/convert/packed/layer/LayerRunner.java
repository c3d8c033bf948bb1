package io.jllm.convert.packed.layer;

import io.jllm.ModelLoadException;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import io.jllm.spi.Backend;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.StepBatch;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;

/**
 * Computes values of a single layer for texts, on a backend: the program of the layer begins with its inputs as the rows of an embedding table,
 * and ends in the wanted value as if it were logits. So a layer is computed as the whole model would, and is all that is loaded.
 */
public final class LayerRunner {
    private static final String INPUTS = "jllm.inputs";
    private static final int BLOCK = 16;
    private static final int STEP = 256;
    /** Bytes of inputs that are loaded at once, or one text's. */
    private static final long TABLE_BYTES = 128 << 20;

    private final Backend backend;
    private final Program program;
    private final int[][] texts;

    /**
     * On a backend, for texts of equal length.
     *
     * @param texts ids of tokens
     */
    public LayerRunner(Backend backend, Program program, int[][] texts) {
        this.backend = backend;
        this.program = program;
        this.texts = texts;
    }

    /** Takes values of some tokens. */
    @FunctionalInterface
    public interface Taker {
        /**
         * Takes them.
         *
         * @param rows floats in the order of this machine, row after row, valid during the call
         * @param count how many rows
         */
        void take(MemorySegment rows, int count) throws IOException;
    }

    /** Tokens of all texts. */
    public long tokens() {
        return (long) texts.length * texts[0].length;
    }

    /** Computes the value behind what stands before the first layer. */
    public void embed(Layer before, WeightSource weights, Taker taker) throws IOException {
        run(cut(before.ops(), before.out()), weights, texts.length, token -> texts[token / texts[0].length][token % texts[0].length], taker);
    }

    /**
     * Computes a value of a layer.
     *
     * @param inputs of the layer, floats, for all tokens of all texts
     * @param wanted the value
     * @param weights where its tensors are
     */
    public void run(Layer layer, MemorySegment inputs, Value wanted, WeightSource weights, Taker taker) throws IOException {
        Value in = layer.in().orElseThrow();
        int length = texts[0].length;
        int some = (int) Math.clamp(TABLE_BYTES / ((long) length * in.width() * Float.BYTES), 1, texts.length);
        for (int from = 0; from < texts.length; from += some) {
            int count = Math.min(some, texts.length - from);
            int rows = Math.multiplyExact(count, length);
            long rowBytes = (long) in.width() * Float.BYTES;
            var table = new Tensor(INPUTS, DType.F32, rows, in.width(), inputs.asSlice((long) from * length * rowBytes, rows * rowBytes));
            var ops = new ArrayList<Op>();
            ops.add(new Op.Embed(in, INPUTS, rows));
            ops.addAll(layer.ops());
            run(cut(ops, wanted), new Overlay(weights, Map.of(INPUTS, table)), count, token -> token, taker);
        }
    }

    /** The ops up to the one that makes a value, which becomes the logits. */
    private Program cut(List<Op> ops, Value wanted) {
        var some = new ArrayList<Op>();
        for (Op op : ops) {
            some.add(op);
            if (op.out().equals(wanted)) {
                break;
            }
        }
        var values = new ArrayList<>(program.values());
        Value logits = wanted;
        if (wanted.rows() == Value.Rows.TOKENS) {
            logits = new Value(values.size(), wanted.width(), Value.Rows.LOGITS);
            values.add(logits);
            some.add(new Op.SelectRows(logits, wanted));
        }
        return new Program(some, values, logits);
    }

    private void run(Program part, WeightSource weights, int count, IntUnaryOperator ids, Taker taker) throws IOException {
        List<String> problems = backend.unsupported(part, weights);
        if (!problems.isEmpty()) {
            throw new ModelLoadException("the model cannot run on the " + backend.name() + " backend: " + String.join("; ", problems));
        }
        int length = texts[0].length;
        int blocks = Math.ceilDiv(length, BLOCK);
        var sizes = new Backend.RunnerOptions(STEP, 1, STEP, BLOCK, blocks, 0, DType.F32);
        var batch = new StepBatch(STEP, 1, STEP, blocks);
        for (int b = 0; b < blocks; b++) {
            batch.blockTable[b] = b;
        }
        try (ModelRunner runner = backend.loadCold(part, weights, sizes)) {
            for (int text = 0; text < count; text++) {
                for (int from = 0; from < length; from += STEP) {
                    int tokens = Math.min(STEP, length - from);
                    fill(batch, from, tokens, length, text * length, ids);
                    runner.forward(batch);
                    taker.take(runner.logits(), tokens);
                }
            }
        }
    }

    /** All rows are wanted; the blocks of the only text stand in order. */
    private static void fill(StepBatch batch, int from, int tokens, int length, int first, IntUnaryOperator ids) {
        batch.clear();
        batch.tokens = tokens;
        batch.sequences = 1;
        batch.logitRows = tokens;
        for (int t = 0; t < tokens; t++) {
            batch.tokenIds[t] = ids.applyAsInt(first + from + t);
            batch.positions[t] = from + t;
            batch.kvSlots[t] = from + t;
            batch.logitRow[t] = t;
        }
        batch.queryStart[1] = tokens;
        batch.contextLength[0] = from + tokens;
        batch.ropeLength[0] = length;
    }
}
