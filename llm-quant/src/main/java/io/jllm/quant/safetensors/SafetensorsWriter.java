package io.jllm.quant.safetensors;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/**
 * Writes safetensors files. Data are copied from where they are, so that memory stays small. A file appears under its name when it is whole and
 * on the disk. Source: the format description of the safetensors project.
 */
public final class SafetensorsWriter {
    /** What the usual libraries write, and some want: the data are in the layout of PyTorch. */
    private static final Map<String, String> METADATA = Map.of("format", "pt");
    private static final int ALIGNMENT = 8;
    private static final long PIECE = 1 << 24;

    private SafetensorsWriter() {
    }

    /**
     * Writes a file, replacing one of that name.
     *
     * @param out the file; its folder must exist
     * @throws IOException if writing fails; a file that was there before is untouched then
     * @throws IllegalArgumentException if a name appears twice
     */
    public static void write(Path out, List<StoredTensor> tensors) throws IOException {
        Path part = out.resolveSibling("." + out.getFileName() + ".part");
        try {
            try (var channel = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
                write(channel, header(tensors));
                for (StoredTensor t : tensors) {
                    for (long at = 0; at < t.data().byteSize(); at += PIECE) {
                        write(channel, t.data().asSlice(at, Math.min(PIECE, t.data().byteSize() - at)).asByteBuffer());
                    }
                }
                channel.force(true);
            }
            Files.move(part, out, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    /**
     * Writes tensors into a folder as {@code model.safetensors}, or, where they have more bytes than that, as several files with an index, as
     * transformers does.
     *
     * @param mostBytes of data a file; a tensor that has more gets one of its own
     */
    public static void writeFolder(Path folder, List<StoredTensor> tensors, long mostBytes) throws IOException {
        var shards = new ArrayList<List<StoredTensor>>();
        long room = 0;
        for (StoredTensor t : tensors) {
            if (shards.isEmpty() || t.data().byteSize() > room) {
                shards.add(new ArrayList<>());
                room = mostBytes;
            }
            shards.getLast().add(t);
            room -= t.data().byteSize();
        }
        if (shards.size() <= 1) {
            write(folder.resolve("model.safetensors"), tensors);
            return;
        }
        var map = new JsonObject();
        for (int i = 0; i < shards.size(); i++) {
            String name = String.format("model-%05d-of-%05d.safetensors", i + 1, shards.size());
            write(folder.resolve(name), shards.get(i));
            shards.get(i).forEach(t -> map.addProperty(t.name(), name));
        }
        var metadata = new JsonObject();
        metadata.addProperty("total_size", tensors.stream().mapToLong(t -> t.data().byteSize()).sum());
        var index = new JsonObject();
        index.add("metadata", metadata);
        index.add("weight_map", map);
        Files.writeString(folder.resolve("model.safetensors.index.json"), index.toString());
    }

    private static ByteBuffer header(List<StoredTensor> tensors) {
        var json = new JsonObject();
        var metadata = new JsonObject();
        METADATA.forEach(metadata::addProperty);
        json.add("__metadata__", metadata);
        var names = new HashSet<String>();
        long at = 0;
        for (StoredTensor t : tensors) {
            if (!names.add(t.name())) {
                throw new IllegalArgumentException("tensor " + t.name() + " is given twice");
            }
            var entry = new JsonObject();
            entry.addProperty("dtype", t.type().name());
            entry.add("shape", numbers(t.shape()));
            entry.add("data_offsets", numbers(List.of(at, at + t.data().byteSize())));
            json.add(t.name(), entry);
            at += t.data().byteSize();
        }
        String text = json.toString();
        int bytes = text.getBytes(StandardCharsets.UTF_8).length;
        byte[] padded = (text + " ".repeat(-bytes & ALIGNMENT - 1)).getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(Long.BYTES + padded.length).order(ByteOrder.LITTLE_ENDIAN).putLong(padded.length).put(padded).flip();
    }

    private static JsonArray numbers(List<Long> values) {
        var array = new JsonArray();
        values.forEach(array::add);
        return array;
    }

    private static void write(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
