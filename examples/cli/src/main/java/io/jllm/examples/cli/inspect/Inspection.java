package io.jllm.examples.cli.inspect;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * What can be said of a model's files without loading them.
 *
 * @param format what kind of files they are
 * @param metadata what they say of themselves, in file order
 * @param tensors their tensors, in file order
 * @param memory what running it would take
 * @param reasons why it cannot be loaded; empty if it can
 */
public record Inspection(String format, Map<String, JsonElement> metadata, List<TensorLine> tensors, Memory memory,
        List<String> reasons) {
    /**
     * A tensor.
     *
     * @param name as the file has it
     * @param type the format's name for its type
     * @param shape dimensions in the order of the file: in GGUF files the contiguous one comes first, in safetensors last
     * @param bytes its size; unknown for types that are unknown here
     */
    record TensorLine(String name, String type, List<Long> shape, OptionalLong bytes) {
    }

    /**
     * Memory in bytes.
     *
     * @param weights all tensors
     * @param kvPerToken keys and values of one position, as float32; unknown for what is no model
     * @param context positions that it was trained for; unknown for what is no model
     */
    record Memory(long weights, OptionalLong kvPerToken, OptionalLong context) {
        /** One sequence of full length, weights included. */
        OptionalLong total() {
            return kvPerToken.isPresent() && context.isPresent()
                    ? OptionalLong.of(weights + kvPerToken.getAsLong() * context.getAsLong()) : OptionalLong.empty();
        }
    }

    /** Whether it can be run here. */
    boolean loadable() {
        return reasons.isEmpty();
    }

    /** Everything, metadata in full. */
    public JsonObject json() {
        var json = new JsonObject();
        json.addProperty("format", format);
        var entries = new JsonObject();
        metadata.forEach(entries::add);
        json.add("metadata", entries);
        var list = new JsonArray(tensors.size());
        for (TensorLine tensor : tensors) {
            var one = new JsonObject();
            one.addProperty("name", tensor.name());
            one.addProperty("type", tensor.type());
            var shape = new JsonArray();
            tensor.shape().forEach(shape::add);
            one.add("shape", shape);
            one.add("bytes", number(tensor.bytes()));
            list.add(one);
        }
        json.add("tensors", list);
        var bytes = new JsonObject();
        bytes.addProperty("weights", memory.weights());
        bytes.add("kv_per_token", number(memory.kvPerToken()));
        bytes.add("context", number(memory.context()));
        bytes.add("total", number(memory.total()));
        json.add("memory", bytes);
        json.addProperty("loadable", loadable());
        var why = new JsonArray();
        reasons.forEach(why::add);
        json.add("reasons", why);
        return json;
    }

    private static JsonElement number(OptionalLong value) {
        return value.isPresent() ? new JsonPrimitive(value.getAsLong()) : JsonNull.INSTANCE;
    }
}
