package io.jllm.quant.safetensors;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.safetensors.SafetensorsFile.TensorInfo;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The JSON in front of a safetensors file's data, checked. Source: the format description of the safetensors project.
 *
 * @param metadata the strings under {@code __metadata__}
 * @param tensors the tensors, by where their data begins
 */
record SafetensorsHeader(Map<String, String> metadata, List<TensorInfo> tensors) {
    /** The format's own limit. */
    static final long MAX_BYTES = 100_000_000;

    /** More than the libraries that write such files can compute with. */
    private static final int MAX_DIMENSIONS = 64;
    private static final String METADATA = "__metadata__";

    /**
     * Reads a header.
     *
     * @param json its text
     * @param file the file's name, for errors
     * @param dataBytes the length of the data part
     */
    static SafetensorsHeader read(MemorySegment json, String file, long dataBytes) {
        SafetensorsHeader header = StrictJson.read(new Bytes(json), file, "the header", in -> read(in, file, dataBytes));
        TensorInfo before = null;
        for (TensorInfo t : header.tensors) {
            if (before != null && t.bytes() > 0 && before.offset() + before.bytes() > t.offset()) {
                throw new FormatException(file, "tensor " + t.name(), "begins at " + t.offset() + ", inside tensor " + before.name()
                        + ", which ends at " + (before.offset() + before.bytes()));
            }
            before = t.bytes() > 0 ? t : before;
        }
        return header;
    }

    private static SafetensorsHeader read(JsonReader json, String file, long dataBytes) throws IOException {
        Map<String, String> metadata = Map.of();
        var tensors = new ArrayList<TensorInfo>();
        var names = new HashSet<String>();
        json.beginObject();
        while (json.hasNext()) {
            String name = json.nextName();
            if (!names.add(name)) {
                throw new FormatException(file, "tensor " + name, "appears twice");
            }
            if (name.equals(METADATA)) {
                metadata = strings(json);
            } else {
                tensors.add(tensor(json, name, file, dataBytes));
            }
        }
        json.endObject();
        tensors.sort(Comparator.comparingLong(TensorInfo::offset));
        return new SafetensorsHeader(metadata, List.copyOf(tensors));
    }

    private static Map<String, String> strings(JsonReader json) throws IOException {
        if (json.peek() == JsonToken.NULL) {
            json.nextNull();
            return Map.of();
        }
        var strings = new LinkedHashMap<String, String>();
        json.beginObject();
        while (json.hasNext()) {
            strings.put(json.nextName(), StrictJson.string(json));
        }
        json.endObject();
        return Collections.unmodifiableMap(strings);
    }

    private static TensorInfo tensor(JsonReader json, String name, String file, long dataBytes) throws IOException {
        Optional<String> dtype = Optional.empty();
        Optional<List<Long>> shape = Optional.empty();
        Optional<List<Long>> offsets = Optional.empty();
        json.beginObject();
        while (json.hasNext()) {
            switch (json.nextName()) {
                case "dtype" -> dtype = Optional.of(StrictJson.string(json));
                case "shape" -> shape = Optional.of(counts(json, MAX_DIMENSIONS));
                case "data_offsets" -> offsets = Optional.of(counts(json, 2));
                default -> json.skipValue();
            }
        }
        json.endObject();
        String place = "tensor " + name;
        if (dtype.isEmpty() || shape.isEmpty() || offsets.isEmpty() || offsets.get().size() != 2) {
            throw new FormatException(file, place, "must have dtype, shape and two data_offsets");
        }
        long from = offsets.get().get(0);
        long to = offsets.get().get(1);
        if (from > to || to > dataBytes) {
            throw new FormatException(file, place, "has the data_offsets " + from + " to " + to + " in a data part of " + dataBytes
                    + " bytes: the file is cut short or its header is wrong");
        }
        var info = new TensorInfo(name, dtype.get(), type(dtype.get()), shape.get(), from, to - from);
        long elements = elements(shape.get());
        int width = width(dtype.get());
        if (elements == Long.MAX_VALUE || width > 0 && (to - from) / width != elements || width > 0 && (to - from) % width != 0) {
            throw new FormatException(file, place, "of shape " + shape.get() + " and type " + dtype.get() + " has " + (to - from)
                    + " bytes, which do not fit each other");
        }
        return info;
    }

    private static List<Long> counts(JsonReader json, int most) throws IOException {
        var counts = new ArrayList<Long>();
        json.beginArray();
        while (json.hasNext()) {
            if (counts.size() == most) {
                throw new IllegalStateException("more than " + most + " numbers at " + json.getPath());
            }
            counts.add(StrictJson.count(json));
        }
        json.endArray();
        return List.copyOf(counts);
    }

    private static Optional<DType> type(String dtype) {
        return switch (dtype) {
            case "F64" -> Optional.of(DType.F64);
            case "F32" -> Optional.of(DType.F32);
            case "F16" -> Optional.of(DType.F16);
            case "BF16" -> Optional.of(DType.BF16);
            case "I64" -> Optional.of(DType.I64);
            case "I32" -> Optional.of(DType.I32);
            case "I16" -> Optional.of(DType.I16);
            case "I8", "U8" -> Optional.of(DType.I8); // bytes, which mean what their owner says
            case "F8_E4M3" -> Optional.of(DType.F8_E4M3);
            case "F8_E5M2" -> Optional.of(DType.F8_E5M2);
            case "F8_E8M0" -> Optional.of(DType.F8_E8M0);
            default -> Optional.empty();
        };
    }

    /** Bytes an element; 0 for types that are not known even by size. */
    private static int width(String dtype) {
        return switch (dtype) {
            case "F64", "I64", "U64", "C64" -> 8;
            case "F32", "I32", "U32" -> 4;
            case "F16", "BF16", "I16", "U16" -> 2;
            case "I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0" -> 1;
            default -> 0;
        };
    }

    /** The product; the greatest long where it is beyond that, also on the way to a product of zero. */
    private static long elements(List<Long> shape) {
        long n = 1;
        for (long d : shape) {
            if (d != 0 && n > Long.MAX_VALUE / d) {
                return Long.MAX_VALUE;
            }
            n *= d;
        }
        return n;
    }

    /** Streams a segment: a header may have 100 MB, which need not be copied to be refused. */
    private static final class Bytes extends InputStream {
        private final MemorySegment segment;
        private long at;

        Bytes(MemorySegment segment) {
            this.segment = segment;
        }

        @Override
        public int read() {
            return at == segment.byteSize() ? -1 : segment.get(ValueLayout.JAVA_BYTE, at++) & 0xff;
        }

        @Override
        public int read(byte[] to, int from, int length) {
            if (at == segment.byteSize() && length > 0) {
                return -1;
            }
            int n = (int) Math.min(length, segment.byteSize() - at);
            MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, at, to, from, n);
            at += n;
            return n;
        }
    }
}
