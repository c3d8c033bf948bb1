package io.jllm.load.fuzz;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.load.Repacked;
import io.jllm.load.Repacked.Raw;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * A way in which libraries pack a matrix: the tensors that stand in its place, of numbers made up, and what the configuration says. Groups have 32
 * columns.
 */
enum Packing {
    /** Groups whose columns stand anywhere. */
    GPTQ("\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 32, \"desc_act\": true, \"checkpoint_format\": \"gptq\"") {
        @Override
        Map<String, Raw> tensors(String module, int rows, int cols) {
            List<Integer> groups = new ArrayList<>(IntStream.range(0, cols).mapToObj(c -> c / GROUP).toList());
            Collections.shuffle(groups, new Random(rows));
            var order = ByteBuffer.allocate(cols * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            groups.forEach(order::putInt);
            return Map.of(module + ".qweight", random("I32", 4, cols / 8, rows), module + ".qzeros", random("I32", 4, cols / GROUP, rows / 8),
                    module + ".scales", random("F16", 2, cols / GROUP, rows), module + ".g_idx", new Raw("I32", List.of((long) cols), order.array()));
        }
    },
    /** Words of a column. */
    AWQ("\"quant_method\": \"awq\", \"bits\": 4, \"group_size\": 32, \"zero_point\": true, \"version\": \"gemm\"") {
        @Override
        Map<String, Raw> tensors(String module, int rows, int cols) {
            return Map.of(module + ".qweight", random("I32", 4, cols, rows / 8), module + ".qzeros", random("I32", 4, cols / GROUP, rows / 8),
                    module + ".scales", random("F16", 2, cols / GROUP, rows));
        }
    },
    /** NF4 with nested statistics. */
    FOUR_BITS("\"quant_method\": \"bitsandbytes\", \"load_in_4bit\": true, \"bnb_4bit_quant_type\": \"nf4\"") {
        @Override
        Map<String, Raw> tensors(String module, int rows, int cols) {
            int blocks = rows * cols / 64;
            String state = "{\"quant_type\": \"nf4\", \"blocksize\": 64, \"dtype\": \"float16\", \"shape\": [" + rows + ", " + cols
                    + "], \"nested_blocksize\": 256, \"nested_dtype\": \"float32\", \"nested_offset\": 0.5}";
            byte[] json = state.getBytes(StandardCharsets.UTF_8);
            return Map.of(module + ".weight", random("U8", 1, rows * cols / 2, 1), module + ".weight.absmax", random("U8", 1, blocks),
                    module + ".weight.quant_map", random("F32", 4, 16), module + ".weight.nested_absmax", random("F32", 4, Math.ceilDiv(blocks, 256)),
                    module + ".weight.nested_quant_map", random("F32", 4, 256),
                    module + ".weight.quant_state.bitsandbytes__nf4", new Raw("U8", List.of((long) json.length), json));
        }
    },
    /** Bytes with the greatest magnitude of each row. */
    INT8("\"quant_method\": \"bitsandbytes\", \"load_in_8bit\": true, \"llm_int8_threshold\": 6.0") {
        @Override
        Map<String, Raw> tensors(String module, int rows, int cols) {
            return Map.of(module + ".weight", random("I8", 1, rows, cols), module + ".SCB", random("F32", 4, rows),
                    module + ".weight_format", new Raw("U8", List.of(), new byte[1]));
        }
    },
    /** Words of a row. */
    COMPRESSED("\"quant_method\": \"compressed-tensors\", \"format\": \"pack-quantized\", \"config_groups\": {\"group_0\": {"
            + "\"targets\": [\"Linear\"], \"weights\": {\"num_bits\": 4, \"type\": \"int\", \"symmetric\": false, \"group_size\": 32, \"strategy\": \"group\"}}}") {
        @Override
        Map<String, Raw> tensors(String module, int rows, int cols) {
            var shape = ByteBuffer.allocate(2 * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(rows).putLong(cols);
            return Map.of(module + ".weight_packed", random("I32", 4, rows, cols / 8),
                    module + ".weight_scale", random("BF16", 2, rows, cols / GROUP), module + ".weight_zero_point", random("I32", 4, rows / 8, cols / GROUP),
                    module + ".weight_shape", new Raw("I64", List.of(2L), shape.array()));
        }
    };

    private static final int GROUP = 32;
    private static final int WIDTH = 64;

    private final String config;

    Packing(String config) {
        this.config = config;
    }

    /** The tensors of a module. */
    abstract Map<String, Raw> tensors(String module, int rows, int cols);

    /** Makes a folder's model one of a layer, wide enough for whole groups, whose matrices are packed so. */
    void rewrite(Path folder) throws IOException {
        Path file = folder.resolve("config.json");
        JsonObject json = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
        Map.of("hidden_size", WIDTH, "intermediate_size", 2 * WIDTH, "num_attention_heads", 4, "num_key_value_heads", 2, "head_dim", WIDTH / 4,
                "num_hidden_layers", 1).forEach(json::addProperty);
        json.add("quantization_config", JsonParser.parseString("{" + config + "}"));
        Files.writeString(file, json.toString());
        int vocabulary = json.get("vocab_size").getAsInt();
        var model = new Repacked(folder);
        model.tensors.clear();
        for (String norm : List.of("layers.0.input_layernorm", "layers.0.post_attention_layernorm", "norm")) {
            model.tensors.put("model." + norm + ".weight", random("F16", 2, WIDTH));
        }
        model.tensors.put("model.embed_tokens.weight", random("F16", 2, vocabulary, WIDTH));
        model.tensors.put("lm_head.weight", random("F16", 2, vocabulary, WIDTH));
        Map.of("self_attn.q", WIDTH, "self_attn.k", WIDTH / 2, "self_attn.v", WIDTH / 2, "self_attn.o", WIDTH, "mlp.gate", 2 * WIDTH, "mlp.up",
                2 * WIDTH).forEach((name, rows) -> model.tensors.putAll(tensors("model.layers.0." + name + "_proj", rows, WIDTH)));
        model.tensors.putAll(tensors("model.layers.0.mlp.down_proj", WIDTH, 2 * WIDTH));
        model.safetensors(folder);
    }

    /** Numbers of so many bytes; those of floats are finite, and none is 0. */
    private static Raw random(String dtype, int size, int... shape) {
        int values = IntStream.of(shape).reduce(1, Math::multiplyExact);
        var bytes = new byte[values * size];
        new Random(values).nextBytes(bytes);
        for (int i = size - 1; i < bytes.length && dtype.contains("F"); i += size) {
            bytes[i] = (byte) (0x2c + i % 3);
        }
        return new Raw(dtype, IntStream.of(shape).mapToObj(d -> (long) d).toList(), bytes);
    }
}
