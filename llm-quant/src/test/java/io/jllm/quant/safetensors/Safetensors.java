package io.jllm.quant.safetensors;

import io.jllm.quant.DType;
import io.jllm.quant.Hex;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Makes small safetensors files. */
final class Safetensors {
    private final StringBuilder json = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
    private final ByteArrayOutputStream data = new ByteArrayOutputStream();

    Safetensors add(String name, String dtype, List<Integer> shape, byte[] bytes) {
        json.append(",\"").append(name).append("\":{\"dtype\":\"").append(dtype).append("\",\"shape\":").append(shape)
                .append(",\"data_offsets\":[").append(data.size()).append(',').append(data.size() + bytes.length).append("]}");
        data.writeBytes(bytes);
        return this;
    }

    Safetensors add(String name, DType type, List<Integer> shape, float... values) {
        return add(name, type.name(), shape, Hex.encode(type, values));
    }

    byte[] bytes() {
        return file(json + "}", data.toByteArray());
    }

    /** A header of any text, and data. */
    static byte[] file(String json, byte[] data) {
        byte[] header = json.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + header.length + data.length).order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length).put(header).put(data).array();
    }
}
