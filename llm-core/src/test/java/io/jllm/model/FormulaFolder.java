package io.jllm.model;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import java.util.zip.CRC32;

/**
 * A Hugging Face folder whose weights follow from the names of its tensors, so that what transformers computes of it is all that a test has to
 * hold. Values are a quarter of numbers from -1 to 1, by SplitMix64 of the name's CRC32; weights of norms have 1 more.
 */
final class FormulaFolder {
    private FormulaFolder() {
    }

    /**
     * Writes one.
     *
     * @param model {@code config}, and {@code tensors}: each a name with L for layers and E for experts, which layers, how many experts, the shape
     */
    static Path write(Path folder, JsonObject model) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("config.json"), model.get("config").toString());
        var shapes = shapes(model.getAsJsonArray("tensors"));
        var header = new JsonObject();
        int at = 0;
        for (var e : shapes.entrySet()) {
            int bytes = Float.BYTES * count(e.getValue());
            var tensor = new JsonObject();
            tensor.addProperty("dtype", "F32");
            tensor.add("shape", e.getValue());
            var offsets = new JsonArray();
            offsets.add(at);
            offsets.add(at + bytes);
            tensor.add("data_offsets", offsets);
            header.add(e.getKey(), tensor);
            at += bytes;
        }
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        var file = ByteBuffer.allocate(Long.BYTES + json.length + at).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).put(json);
        shapes.forEach((name, shape) -> fill(name, count(shape), file));
        Files.write(folder.resolve("model.safetensors"), file.array());
        return folder;
    }

    private static Map<String, JsonArray> shapes(JsonArray tensors) {
        var shapes = new LinkedHashMap<String, JsonArray>();
        for (JsonElement t : tensors) {
            var parts = t.getAsJsonArray();
            String name = parts.get(0).getAsString();
            var layers = StreamSupport.stream(parts.get(1).getAsJsonArray().spliterator(), false).map(l -> "." + l + ".")
                    .collect(Collectors.toList());
            if (layers.isEmpty()) {
                layers.add(".L.");
            }
            for (String layer : layers) {
                for (int e = 0; e < Math.max(1, parts.get(2).getAsInt()); e++) {
                    shapes.put(name.replace(".L.", layer).replace(".E.", "." + e + "."), parts.get(3).getAsJsonArray());
                }
            }
        }
        return shapes;
    }

    private static int count(JsonArray shape) {
        return StreamSupport.stream(shape.spliterator(), false).mapToInt(JsonElement::getAsInt).reduce(1, Math::multiplyExact);
    }

    private static void fill(String name, int count, ByteBuffer to) {
        var crc = new CRC32();
        crc.update(name.getBytes(StandardCharsets.UTF_8));
        float more = name.endsWith("norm.weight") ? 1 : 0;
        for (int i = 1; i <= count; i++) {
            long z = i * 0x9E3779B97F4A7C15L + crc.getValue();
            z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
            z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
            z ^= z >>> 31;
            to.putFloat(((z >>> 40) / (float) (1 << 23) - 1) * 0.25f + more);
        }
    }
}
