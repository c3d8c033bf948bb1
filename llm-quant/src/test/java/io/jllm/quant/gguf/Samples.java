package io.jllm.quant.gguf;

import io.jllm.quant.DType;
import io.jllm.quant.Hex;
import io.jllm.quant.gguf.GgufValue.Type;
import io.jllm.quant.gguf.GgufWriter.TensorEntry;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Small contents for files: every metadata type, and tensors of several formats. */
final class Samples {
    private Samples() {
    }

    static Map<String, GgufValue> metadata() {
        var m = new LinkedHashMap<String, GgufValue>();
        m.put("general.architecture", new GgufValue.Text("llama"));
        m.put("u8", new GgufValue.Int(Type.UINT8, 255));
        m.put("i8", new GgufValue.Int(Type.INT8, -128));
        m.put("u16", new GgufValue.Int(Type.UINT16, 65535));
        m.put("i16", new GgufValue.Int(Type.INT16, -32768));
        m.put("u32", new GgufValue.Int(Type.UINT32, 0xffff_ffffL));
        m.put("i32", new GgufValue.Int(Type.INT32, Integer.MIN_VALUE));
        m.put("u64", new GgufValue.Int(Type.UINT64, -1));
        m.put("i64", new GgufValue.Int(Type.INT64, Long.MIN_VALUE));
        m.put("f32", new GgufValue.Real(Type.FLOAT32, 1e-5));
        m.put("f64", new GgufValue.Real(Type.FLOAT64, Math.PI));
        m.put("bool", new GgufValue.Bool(true));
        m.put("text", new GgufValue.Text("Größe \u2581 \ud83d\ude00"));
        m.put("empty text", new GgufValue.Text(""));
        for (Type t : List.of(Type.UINT8, Type.UINT16, Type.UINT32, Type.UINT64)) {
            m.put("array." + t, new GgufValue.Ints(t, new long[] {0, 1, 200}));
        }
        for (Type t : List.of(Type.INT8, Type.INT16, Type.INT32, Type.INT64)) {
            m.put("array." + t, new GgufValue.Ints(t, new long[] {0, -1, 100, -100}));
        }
        m.put("array.f32", new GgufValue.Reals(Type.FLOAT32, new double[] {0.5, -0.0, 1e10f, Double.NaN}));
        m.put("array.f64", new GgufValue.Reals(Type.FLOAT64, new double[] {Math.E, Double.NEGATIVE_INFINITY}));
        m.put("array.bool", new GgufValue.Bools(new boolean[] {true, false, true}));
        m.put("array.text", new GgufValue.Texts(List.of("a", "", "\u00e9")));
        m.put("array.none", new GgufValue.Ints(Type.INT32, new long[0]));
        m.put("nested", new GgufValue.Nested(List.of(new GgufValue.Ints(Type.INT16, new long[] {-3, 4}),
                new GgufValue.Nested(List.of(new GgufValue.Texts(List.of("deep")), new GgufValue.Nested(List.of()))))));
        return m;
    }

    static List<TensorEntry> tensors() {
        return List.of(tensor("norm", DType.F32, List.of(5L), new float[] {1, 2, 3, 4, 5}),
                tensor("matrix", DType.Q8_0, List.of(32L, 3L), ramp(96)),
                tensor("cube", DType.F16, List.of(2L, 3L, 4L), ramp(24)),
                tensor("blocks", DType.Q6_K, List.of(256L, 2L), ramp(512)));
    }

    static float[] ramp(int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = i - n / 2f;
        }
        return x;
    }

    static TensorEntry tensor(String name, DType type, List<Long> shape, float[] values) {
        byte[] bytes = Hex.encode(type, values);
        return new TensorEntry(name, type, shape, out -> {
            // in two pieces, as a large tensor would come
            out.write(ByteBuffer.wrap(bytes, 0, bytes.length / 3));
            out.write(ByteBuffer.wrap(bytes, bytes.length / 3, bytes.length - bytes.length / 3));
        });
    }
}
