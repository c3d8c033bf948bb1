package io.jllm.load;

import io.jllm.model.MapWeights;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.quant.gguf.GgufWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A GGUF file of a tiny llama, to be broken by tests: its weights are random, in F32. */
public final class TinyGguf {
    /** Its metadata. */
    public final Map<String, GgufValue> keys = new LinkedHashMap<>();

    /** Its tensors. */
    public final Map<String, Tensor> tensors = new LinkedHashMap<>();

    private final MapWeights weights = new MapWeights();
    private final Random random = new Random(1);

    /** Two layers, hidden size 64, heads of 8, tied embeddings of 40 tokens. */
    public TinyGguf() {
        keys.put("general.architecture", new GgufValue.Text("llama"));
        integer("llama.block_count", 2);
        integer("llama.embedding_length", 64);
        integer("llama.feed_forward_length", 96);
        integer("llama.attention.head_count", 8);
        integer("llama.attention.head_count_kv", 4);
        integer("llama.context_length", 128);
        keys.put("llama.attention.layer_norm_rms_epsilon", new GgufValue.Real(GgufValue.Type.FLOAT32, 1e-5f));
        matrix("token_embd.weight", 40, 64);
        for (int l = 0; l < 2; l++) {
            var p = "blk." + l + ".";
            vector(p + "attn_norm.weight", 64);
            matrix(p + "attn_q.weight", 64, 64);
            matrix(p + "attn_k.weight", 32, 64);
            matrix(p + "attn_v.weight", 32, 64);
            matrix(p + "attn_output.weight", 64, 64);
            vector(p + "ffn_norm.weight", 64);
            matrix(p + "ffn_gate.weight", 96, 64);
            matrix(p + "ffn_up.weight", 96, 64);
            matrix(p + "ffn_down.weight", 64, 96);
        }
        vector("output_norm.weight", 64);
    }

    /** Sets a UINT32. */
    public TinyGguf integer(String key, long value) {
        keys.put(key, new GgufValue.Int(GgufValue.Type.UINT32, value));
        return this;
    }

    /** Adds a tensor of random values, with one dimension. */
    public TinyGguf vector(String name, int length) {
        return matrix(name, 1, length);
    }

    /** Adds a tensor of random values. */
    public TinyGguf matrix(String name, int rows, int cols) {
        var values = new float[rows * cols];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return matrix(name, rows, cols, values);
    }

    /** Adds a tensor. */
    public TinyGguf matrix(String name, int rows, int cols, float[] values) {
        tensors.put(name, weights.put(name, rows, cols, values).tensor(name));
        return this;
    }

    /** Puts zeros of another format in a tensor's place. */
    public TinyGguf zeros(String name, DType type) {
        Tensor t = tensors.get(name);
        var bytes = new byte[Math.toIntExact(type.bytes(t.rows() * t.cols()))];
        tensors.put(name, new Tensor(name, type, t.rows(), t.cols(), MemorySegment.ofArray(bytes)));
        return this;
    }

    /** Writes the file. */
    public Path write(Path file) throws IOException {
        var entries = tensors.values().stream().map(t -> new GgufWriter.TensorEntry(t.name(), t.type(),
                t.rows() == 1 ? List.of(t.cols()) : List.of(t.cols(), t.rows()),
                out -> out.write(ByteBuffer.wrap(t.data().toArray(ValueLayout.JAVA_BYTE))))).toList();
        GgufWriter.write(file, keys, entries, GgufWriter.Progress.NONE);
        return file;
    }
}
