package io.jllm.convert.packed;

import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.safetensors.SafetensorsWriter;
import io.jllm.quant.safetensors.StoredTensor;
import io.jllm.tokenizer.PieceFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** A tiny model of two layers with a tokenizer, in F16, some of whose channels are large. */
final class TinyFolder {
    static final int HIDDEN = 64;
    static final int FFN = 96;
    static final int VOCAB = 32;
    static final String TEXT = "the wind and the sun, ".repeat(60);
    static final int EXPERTS = 8;
    private static final int EXPERT_FFN = 32;
    private static final int HEADS = 4;

    private final Random random = new Random(7);
    private final List<StoredTensor> tensors = new ArrayList<>();

    private TinyFolder() {
    }

    /**
     * Writes one.
     *
     * @param type llama, with as many heads of keys as of queries and biases; qwen3, with fewer and norms of heads; qwen3_moe, with experts, the
     *     last of which nobody chooses; or phi3, with matrices in one
     */
    static Path write(Path folder, String type) throws IOException {
        boolean llama = type.equals("llama");
        int kvHeads = llama ? HEADS : 2;
        int head = HIDDEN / HEADS;
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("config.json"), """
                {"architectures": ["AnyForCausalLM"], "model_type": "%s", "hidden_size": %d, "intermediate_size": %d, "num_hidden_layers": 2,
                "num_attention_heads": %d, "num_key_value_heads": %d, "head_dim": %d, "vocab_size": %d, "max_position_embeddings": 64,
                "original_max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu", "torch_dtype": "float16",
                "num_experts": %d, "num_experts_per_tok": 2, "moe_intermediate_size": %d, "norm_topk_prob": true,
                "attention_bias": %b, "mlp_bias": %b, "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
                """.formatted(type, HIDDEN, FFN, HEADS, kvHeads, head, VOCAB, EXPERTS, EXPERT_FFN, llama, llama));
        Files.write(folder.resolve("tokenizer.model"), PieceFile.of("\u2581", "t", "h", "e", "w", "i", "n", "d", "a", "s", "u", ",", "th", "nd")
                .toBytes());
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": 2}\n");
        Files.writeString(folder.resolve("README.md"), "A model.\n");
        var made = new TinyFolder();
        made.matrix("model.embed_tokens", VOCAB, HIDDEN, 1, false);
        for (int l = 0; l < 2; l++) {
            String layer = "model.layers." + l + ".";
            made.norm(layer + "input_layernorm", HIDDEN);
            if (type.equals("phi3")) {
                made.matrix(layer + "self_attn.qkv_proj", (HEADS + 2 * kvHeads) * head, HIDDEN, 0.12, false);
                made.matrix(layer + "mlp.gate_up_proj", 2 * FFN, HIDDEN, 0.12, false);
            } else {
                made.matrix(layer + "self_attn.q_proj", HEADS * head, HIDDEN, 0.12, llama);
                made.matrix(layer + "self_attn.k_proj", kvHeads * head, HIDDEN, 0.12, llama);
                made.matrix(layer + "self_attn.v_proj", kvHeads * head, HIDDEN, 0.12, llama);
                if (!type.equals("qwen3_moe")) {
                    made.matrix(layer + "mlp.gate_proj", FFN, HIDDEN, 0.12, llama);
                    made.matrix(layer + "mlp.up_proj", FFN, HIDDEN, 0.12, llama);
                }
            }
            if (type.startsWith("qwen3")) {
                made.norm(layer + "self_attn.q_norm", head);
                made.norm(layer + "self_attn.k_norm", head);
            }
            made.matrix(layer + "self_attn.o_proj", HIDDEN, HEADS * head, 0.12, llama);
            made.norm(layer + "post_attention_layernorm", HIDDEN);
            if (type.equals("qwen3_moe")) {
                made.experts(layer);
            } else {
                made.matrix(layer + "mlp.down_proj", HIDDEN, FFN, 0.12, llama);
            }
        }
        made.norm("model.norm", HIDDEN);
        made.matrix("lm_head", VOCAB, HIDDEN, 0.3, false);
        SafetensorsWriter.writeFolder(folder, made.tensors, 1 << 30);
        return folder;
    }

    private void matrix(String module, int rows, int cols, double size, boolean biased) {
        var values = new float[rows * cols];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() * size);
        }
        add(module + ".weight", values, List.of((long) rows, (long) cols));
        if (biased) {
            var bias = new float[rows];
            for (int i = 0; i < rows; i++) {
                bias[i] = (float) (random.nextGaussian() * 0.1);
            }
            add(module + ".bias", bias, List.of((long) rows));
        }
    }

    /** The last one's score is always 0, and two others are above: one each of two pairs of opposite signs. */
    private void experts(String layer) {
        var choice = new float[EXPERTS * HIDDEN];
        for (int i = 0; i < HIDDEN; i++) {
            for (int e = 0; e < EXPERTS - 1; e++) {
                choice[e * HIDDEN + i] = (float) (random.nextGaussian() * 0.1);
            }
            choice[(EXPERTS - 2) * HIDDEN + i] = -choice[(EXPERTS - 3) * HIDDEN + i];
            choice[(EXPERTS - 4) * HIDDEN + i] = -choice[(EXPERTS - 5) * HIDDEN + i];
        }
        add(layer + "mlp.gate.weight", choice, List.of((long) EXPERTS, (long) HIDDEN));
        for (int e = 0; e < EXPERTS; e++) {
            String expert = layer + "mlp.experts." + e + ".";
            matrix(expert + "gate_proj", EXPERT_FFN, HIDDEN, 0.2, false);
            matrix(expert + "up_proj", EXPERT_FFN, HIDDEN, 0.2, false);
            matrix(expert + "down_proj", HIDDEN, EXPERT_FFN, 0.2, false);
        }
    }

    private void norm(String module, int width) {
        var values = new float[width];
        for (int i = 0; i < width; i++) {
            values[i] = i % 16 == 3 ? 12 : random.nextFloat(0.5f, 1.5f);
        }
        add(module + ".weight", values, List.of((long) width));
    }

    private void add(String name, float[] values, List<Long> shape) {
        MemorySegment data = MemorySegment.ofArray(new byte[values.length * Short.BYTES]);
        Encoder.of(DType.F16).orElseThrow().encode(values, 0, values.length, data, 0);
        tensors.add(new StoredTensor(name, DType.F16, shape, data));
    }
}
