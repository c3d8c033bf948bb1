package io.jllm.model;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.zip.CRC32;

/**
 * Weights that are computed and not stored: each a hash of the CRC-32 of its tensor's name and of its place there. With u in [-0.5, 0.5) of 24
 * bits, norms are 1 + u, or u where families store them less one, biases u, matrices u * sqrt(12 / columns), embeddings u * sqrt(12).
 */
final class FormulaWeights {
    private FormulaWeights() {
    }

    /**
     * Writes {@code model.safetensors}.
     *
     * @param model with {@code tensors}, shapes by name where {@code *} stands for each layer, {@code layers}, {@code less}, and perhaps a
     *     {@code prefix} of names that does not count in the hash
     */
    static void write(Path folder, JsonObject model) throws IOException {
        var shapes = new LinkedHashMap<String, JsonArray>();
        model.getAsJsonObject("tensors").entrySet().forEach(e -> {
            for (int l = 0; l < (e.getKey().contains("*") ? model.get("layers").getAsInt() : 1); l++) {
                shapes.put(e.getKey().replace("*", Integer.toString(l)), e.getValue().getAsJsonArray());
            }
        });
        String prefix = model.has("prefix") ? model.get("prefix").getAsString() : "";
        var header = new JsonObject();
        var parts = new ArrayList<float[]>();
        int at = 0;
        for (var e : shapes.entrySet()) {
            float[] values = values(e.getKey(), e.getValue(), model.get("less").getAsBoolean());
            var info = new JsonObject();
            info.addProperty("dtype", "F32");
            info.add("shape", e.getValue());
            var offsets = new JsonArray();
            offsets.add(at);
            offsets.add(at += Float.BYTES * values.length);
            info.add("data_offsets", offsets);
            header.add(prefix + e.getKey(), info);
            parts.add(values);
        }
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        var bytes = ByteBuffer.allocate(Long.BYTES + json.length + at).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).put(json);
        for (float[] values : parts) {
            for (float v : values) {
                bytes.putFloat(v);
            }
        }
        Files.write(folder.resolve("model.safetensors"), bytes.array());
    }

    private static float[] values(String name, JsonArray shape, boolean less) {
        int rows = shape.get(0).getAsInt();
        int cols = shape.size() > 1 ? shape.get(1).getAsInt() : 1;
        var crc = new CRC32();
        crc.update(name.getBytes(StandardCharsets.UTF_8));
        boolean norm = name.contains("norm") && !name.endsWith("bias");
        float scale = norm || shape.size() < 2 ? 1 : (float) (Math.sqrt(12) / (name.contains("embed") ? 1 : Math.sqrt(cols)));
        var values = new float[rows * cols];
        for (int i = 0; i < values.length; i++) {
            int x = (int) crc.getValue() + i * 0x9E3779B1;
            x ^= x >>> 15;
            x *= 0x85EBCA77;
            x ^= x >>> 13;
            x *= 0xC2B2AE3D;
            x ^= x >>> 16;
            float u = (x >>> 8) * 0x1p-24f - 0.5f;
            values[i] = norm ? u + (less ? 0 : 1) : u * scale;
        }
        return values;
    }
}
