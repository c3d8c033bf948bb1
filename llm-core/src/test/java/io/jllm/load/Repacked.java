package io.jllm.load;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.safetensors.SafetensorsFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** The tensors of a folder's safetensors file, to be written in other forms. */
public final class Repacked {
    /** A tensor: the file's word for its type, its shape, its bytes. */
    public record Raw(String dtype, List<Long> shape, byte[] data) {
    }

    /** By name; may be changed. */
    public final Map<String, Raw> tensors = new LinkedHashMap<>();

    /** Those of {@code model.safetensors}. */
    public Repacked(Path folder) throws IOException {
        try (var file = SafetensorsFile.open(folder.resolve("model.safetensors"))) {
            for (var t : file.tensorInfos()) {
                tensors.put(t.name(), new Raw(t.dtype(), t.shape(), file.tensors().get(t.name()).data().toArray(ValueLayout.JAVA_BYTE)));
            }
        }
    }

    /** Writes {@code model.safetensors}. */
    public void safetensors(Path folder) throws IOException {
        var header = new JsonObject();
        var data = new ByteArrayOutputStream();
        tensors.forEach((name, t) -> {
            var info = new JsonObject();
            info.addProperty("dtype", t.dtype());
            var shape = new JsonArray();
            t.shape().forEach(shape::add);
            info.add("shape", shape);
            var offsets = new JsonArray();
            offsets.add(data.size());
            data.writeBytes(t.data());
            offsets.add(data.size());
            info.add("data_offsets", offsets);
            header.add(name, info);
        });
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        Files.write(folder.resolve("model.safetensors"), ByteBuffer.allocate(8 + json.length + data.size()).order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length).put(json).put(data.toByteArray()).array());
    }

    /** Writes a file as torch.save does. */
    public void pytorch(Path file) throws IOException {
        var pickle = new ByteArrayOutputStream();
        pickle.writeBytes(new byte[] {(byte) 0x80, 2, '}', '('});
        var storages = new ArrayList<byte[]>();
        tensors.forEach((name, t) -> {
            String type = switch (t.dtype()) {
                case "F32" -> "FloatStorage";
                case "F16" -> "HalfStorage";
                case "BF16" -> "BFloat16Storage";
                case "BOOL" -> "BoolStorage";
                default -> throw new IllegalArgumentException(t.dtype());
            };
            long elements = t.shape().stream().reduce(1L, Math::multiplyExact);
            text(pickle, name);
            global(pickle, "torch._utils\n_rebuild_tensor_v2");
            pickle.writeBytes(new byte[] {'(', '('});
            text(pickle, "storage");
            global(pickle, "torch\n" + type);
            text(pickle, Integer.toString(storages.size()));
            text(pickle, "cpu");
            number(pickle, elements);
            pickle.writeBytes(new byte[] {'t', 'Q', 'K', 0});
            tuple(pickle, t.shape());
            var strides = new ArrayList<Long>();
            long n = 1;
            for (long d : t.shape().reversed()) {
                strides.addFirst(n);
                n *= d;
            }
            tuple(pickle, strides);
            pickle.write(0x89);
            global(pickle, "collections\nOrderedDict");
            pickle.writeBytes(new byte[] {')', 'R', 't', 'R'});
            storages.add(t.data());
        });
        pickle.writeBytes(new byte[] {'u', '.'});
        try (var zip = new ZipOutputStream(Files.newOutputStream(file))) {
            entry(zip, "m/data.pkl", pickle.toByteArray());
            entry(zip, "m/byteorder", "little".getBytes(StandardCharsets.US_ASCII));
            for (int i = 0; i < storages.size(); i++) {
                entry(zip, "m/data/" + i, storages.get(i));
            }
        }
    }

    private static void entry(ZipOutputStream zip, String name, byte[] data) throws IOException {
        var crc = new CRC32();
        crc.update(data);
        var entry = new ZipEntry(name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(data.length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(data);
        zip.closeEntry();
    }

    private static void text(ByteArrayOutputStream to, String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        to.write('X');
        to.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(utf8.length).array());
        to.writeBytes(utf8);
    }

    private static void global(ByteArrayOutputStream to, String lines) {
        to.writeBytes(("c" + lines + "\n").getBytes(StandardCharsets.US_ASCII));
    }

    private static void number(ByteArrayOutputStream to, long n) {
        to.write('J');
        to.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(Math.toIntExact(n)).array());
    }

    private static void tuple(ByteArrayOutputStream to, List<Long> values) {
        to.write('(');
        values.forEach(v -> number(to, v));
        to.write('t');
    }

    /** Replaces a matrix by 8-bit floats and the scales of blocks of so many rows and columns, under that name. */
    public void eightBits(String name, int blockRows, int blockCols, String scaleSuffix) {
        Raw t = tensors.get(name);
        int rows = Math.toIntExact(t.shape().get(0));
        int cols = Math.toIntExact(t.shape().get(1));
        var values = new float[rows * cols];
        Codec.of(DType.valueOf(t.dtype())).orElseThrow().decode(MemorySegment.ofArray(t.data()), 0, values, 0, values.length);
        int gridRows = Math.ceilDiv(rows, blockRows);
        int gridCols = Math.ceilDiv(cols, blockCols);
        var scales = new float[gridRows * gridCols];
        for (int i = 0; i < values.length; i++) {
            int g = i / cols / blockRows * gridCols + i % cols / blockCols;
            scales[g] = Math.max(scales[g], Math.abs(values[i]) / 448);
        }
        float[] table = table();
        var bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = nearest(table, values[i] / scales[i / cols / blockRows * gridCols + i % cols / blockCols]);
        }
        var packed = ByteBuffer.allocate(scales.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (float s : scales) {
            packed.putFloat(s);
        }
        tensors.put(name, new Raw("F8_E4M3", t.shape(), bytes));
        tensors.put(name + scaleSuffix, new Raw("F32", List.of((long) gridRows, (long) gridCols), packed.array()));
    }

    private static float[] table() {
        var all = new byte[256];
        for (int i = 0; i < 256; i++) {
            all[i] = (byte) i;
        }
        var table = new float[256];
        Codec.of(DType.F8_E4M3).orElseThrow().decode(MemorySegment.ofArray(all), 0, table, 0, 256);
        return table;
    }

    private static byte nearest(float[] table, float value) {
        int best = 0;
        for (int i = 1; i < 256; i++) {
            if (Math.abs(table[i] - value) < Math.abs(table[best] - value)) {
                best = i;
            }
        }
        return (byte) best;
    }
}
