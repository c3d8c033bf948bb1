package io.jllm.convert;

import io.jllm.quant.DType;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.quant.gguf.GgufWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes importance matrices as llama-imatrix does. */
final class ImatrixFiles {
    private ImatrixFiles() {
    }

    /** The older kind: sums over calls. */
    static void legacy(Path path, Map<String, float[]> sums, int calls, int chunks, String text) throws IOException {
        int size = 1 << 16;
        for (var values : sums.values()) {
            size += 200 + Float.BYTES * values.length;
        }
        var out = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(sums.size());
        sums.forEach((name, values) -> {
            text(out, name);
            out.putInt(calls).putInt(values.length);
            for (float v : values) {
                out.putFloat(v);
            }
        });
        text(out.putInt(chunks), text);
        var bytes = new byte[out.position()];
        out.flip().get(bytes);
        Files.write(path, bytes);
    }

    private static void text(ByteBuffer out, String text) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        out.putInt(bytes.length).put(bytes);
    }

    /** The newer kind: sums and how many rows were summed, for each expert. */
    static void gguf(Path path, Map<String, float[]> sums, Map<String, float[]> counts, List<String> texts) throws IOException {
        var keys = new LinkedHashMap<String, GgufValue>();
        keys.put("general.type", new GgufValue.Text("imatrix"));
        keys.put("imatrix.datasets", new GgufValue.Texts(texts));
        keys.put("imatrix.chunk_count", new GgufValue.Int(GgufValue.Type.UINT32, 7));
        keys.put("imatrix.chunk_size", new GgufValue.Int(GgufValue.Type.UINT32, 512));
        gguf(path, keys, sums, counts);
    }

    static void gguf(Path path, Map<String, GgufValue> keys, Map<String, float[]> sums, Map<String, float[]> counts) throws IOException {
        var tensors = new ArrayList<GgufWriter.TensorEntry>();
        sums.forEach((name, values) -> {
            long experts = counts.containsKey(name) ? counts.get(name).length : 1;
            tensors.add(tensor(name + ".in_sum2", values, values.length / experts, experts));
        });
        counts.forEach((name, values) -> tensors.add(tensor(name + ".counts", values, 1, values.length)));
        GgufWriter.write(path, keys, tensors, GgufWriter.Progress.NONE);
    }

    private static GgufWriter.TensorEntry tensor(String name, float[] values, long cols, long rows) {
        var bytes = ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return new GgufWriter.TensorEntry(name, DType.F32, List.of(cols, rows), out -> out.write(bytes));
    }
}
