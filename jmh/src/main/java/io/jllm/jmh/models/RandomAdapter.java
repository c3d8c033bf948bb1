package io.jllm.jmh.models;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.jllm.model.ModelConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Adapters of random weights for models of the llama family, in the form of peft, in BF16. */
public final class RandomAdapter {
    private static final List<String> ATTENTION = List.of("q_proj", "v_proj");
    private static final List<String> ALL = List.of("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj");

    private RandomAdapter() {
    }

    /**
     * Writes one.
     *
     * @param all whether all products of layers change, or those of q and v only
     */
    public static void write(Path folder, ModelConfig model, int rank, boolean all, long seed) throws IOException {
        List<String> targets = all ? ALL : ATTENTION;
        Map<String, int[]> shapes = new LinkedHashMap<>();
        for (int layer = 0; layer < model.layers(); layer++) {
            for (String target : targets) {
                String name = "base_model.model.model.layers." + layer + "." + (target.endsWith("q_proj") || target.endsWith("k_proj")
                        || target.endsWith("v_proj") || target.endsWith("o_proj") ? "self_attn." : "mlp.") + target;
                shapes.put(name + ".lora_A.weight", new int[] {rank, inputs(model, target)});
                shapes.put(name + ".lora_B.weight", new int[] {outputs(model, target), rank});
            }
        }
        Files.createDirectories(folder);
        Files.write(folder.resolve("adapter_model.safetensors"), bytes(shapes, new SplittableRandom(seed)));
        var config = new JsonObject();
        config.addProperty("peft_type", "LORA");
        config.addProperty("r", rank);
        config.addProperty("lora_alpha", 2 * rank);
        var list = new JsonArray();
        targets.forEach(list::add);
        config.add("target_modules", list);
        Files.writeString(folder.resolve("adapter_config.json"), config.toString());
    }

    private static int inputs(ModelConfig m, String target) {
        return switch (target) {
            case "o_proj" -> m.shape().qDim();
            case "down_proj" -> m.ffn();
            default -> m.hidden();
        };
    }

    private static int outputs(ModelConfig m, String target) {
        return switch (target) {
            case "q_proj" -> m.shape().qDim();
            case "k_proj", "v_proj" -> m.shape().kvDim();
            case "gate_proj", "up_proj" -> m.ffn();
            default -> m.hidden();
        };
    }

    private static byte[] bytes(Map<String, int[]> shapes, SplittableRandom random) {
        var header = new JsonObject();
        int at = 0;
        for (var e : shapes.entrySet()) {
            var info = new JsonObject();
            info.addProperty("dtype", "BF16");
            var shape = new JsonArray();
            shape.add(e.getValue()[0]);
            shape.add(e.getValue()[1]);
            info.add("shape", shape);
            var offsets = new JsonArray();
            offsets.add(at);
            at += Short.BYTES * e.getValue()[0] * e.getValue()[1];
            offsets.add(at);
            info.add("data_offsets", offsets);
            header.add(e.getKey(), info);
        }
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        ByteBuffer out = ByteBuffer.allocate(Long.BYTES + json.length + at).order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(json.length).put(json);
        while (out.hasRemaining()) {
            out.putShort((short) (Float.floatToIntBits((float) (0.02 * random.nextDouble(-1, 1))) >>> Short.SIZE));
        }
        return out.array();
    }
}
