package io.jllm.quant.gguf;

import io.jllm.quant.DType;
import io.jllm.quant.gguf.GgufFile.TensorInfo;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything in front of the data of a GGUF file. Source: the GGUF specification of the ggml project.
 *
 * @param metadata the key-value part
 * @param tensors the tensor table, in file order
 * @param alignment what offsets are multiples of
 * @param dataStart where the data part begins, in bytes from the start of the file
 */
record GgufHeader(GgufMetadata metadata, List<TensorInfo> tensors, long alignment, long dataStart) {
    /** "GGUF" read as a little-endian int. */
    static final int MAGIC = 0x46554747;
    static final int VERSION = 3;
    static final String ALIGNMENT_KEY = "general.alignment";
    static final long DEFAULT_ALIGNMENT = 32;
    static final long MAX_ALIGNMENT = 1 << 30;
    static final int MAX_DIMENSIONS = 4;
    /** Of keys and tensor names, in bytes. */
    static final int MAX_NAME = 65535;

    private static final int MAX_NESTING = 8;
    private static final long LEAST_ENTRY_BYTES = 8 + 4 + 1;
    private static final long LEAST_TENSOR_BYTES = 8 + 4 + 4 + 8;
    private static final GgufValue.Type[] TYPES = GgufValue.Type.values();

    static GgufHeader read(GgufCursor in) {
        checkMagicAndVersion(in);
        int tensorCount = in.count(LEAST_TENSOR_BYTES, "the tensor count", "tensors");
        int entryCount = in.count(LEAST_ENTRY_BYTES, "the metadata count", "metadata entries");
        var entries = new LinkedHashMap<String, GgufValue>();
        for (int i = 0; i < entryCount; i++) {
            String key = in.string("the key of metadata entry " + i, MAX_NAME);
            String place = "metadata " + key;
            if (key.isEmpty()) {
                throw in.broken("the key of metadata entry " + i, "is empty");
            }
            if (entries.putIfAbsent(key, value(in, type(in, place), place, 0)) != null) {
                throw in.broken(place, "appears twice");
            }
        }
        long alignment = alignment(in, entries.get(ALIGNMENT_KEY));
        List<TensorInfo> tensors = tensors(in, tensorCount, alignment);
        long dataStart = (in.position() + alignment - 1) & -alignment;
        return new GgufHeader(new GgufMetadata(entries), tensors, alignment, dataStart);
    }

    private static void checkMagicAndVersion(GgufCursor in) {
        int magic = in.int32("the magic number");
        if (magic != MAGIC) {
            throw in.broken("the magic number", "is 0x" + Integer.toHexString(Integer.reverseBytes(magic))
                    + ", a GGUF file has 0x47475546 (\"GGUF\")");
        }
        int version = in.int32("the version");
        int swapped = Integer.reverseBytes(version);
        if (swapped > 0 && swapped <= 0xffff && (version & 0xffff) == 0) {
            throw in.broken("the version", "is " + swapped + " in big-endian byte order; only little-endian files can be read");
        }
        if (version != 2 && version != VERSION) {
            throw in.broken("the version", "is " + Integer.toUnsignedString(version)
                    + "; versions 2 and 3 can be read: convert the file anew with a current tool");
        }
    }

    private static GgufValue.Type type(GgufCursor in, String place) {
        int id = in.int32(place);
        if (id < 0 || id >= TYPES.length) {
            throw in.broken(place, "is of type " + Integer.toUnsignedString(id) + ", the known types are 0 to " + (TYPES.length - 1));
        }
        return TYPES[id];
    }

    private static GgufValue value(GgufCursor in, GgufValue.Type type, String place, int depth) {
        return switch (type) {
            case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> new GgufValue.Int(type, integer(in, type, place));
            case FLOAT32 -> new GgufValue.Real(type, Float.intBitsToFloat(in.int32(place)));
            case FLOAT64 -> new GgufValue.Real(type, Double.longBitsToDouble(in.int64(place)));
            case BOOL -> new GgufValue.Bool(bool(in, place));
            case STRING -> new GgufValue.Text(in.string(place, GgufCursor.MAX_TEXT));
            case ARRAY -> array(in, place, depth);
        };
    }

    private static GgufValue.Array array(GgufCursor in, String place, int depth) {
        if (depth == MAX_NESTING) {
            throw in.broken(place, "holds arrays in arrays, more than " + MAX_NESTING + " deep");
        }
        GgufValue.Type type = type(in, place);
        int n = in.count(type.leastBytes(), place, "elements");
        return switch (type) {
            case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> {
                var values = new long[n];
                for (int i = 0; i < n; i++) {
                    values[i] = integer(in, type, place);
                }
                yield new GgufValue.Ints(type, values);
            }
            case FLOAT32, FLOAT64 -> {
                var values = new double[n];
                for (int i = 0; i < n; i++) {
                    values[i] = type == GgufValue.Type.FLOAT32 ? Float.intBitsToFloat(in.int32(place))
                            : Double.longBitsToDouble(in.int64(place));
                }
                yield new GgufValue.Reals(type, values);
            }
            case BOOL -> {
                var values = new boolean[n];
                for (int i = 0; i < n; i++) {
                    values[i] = bool(in, place);
                }
                yield new GgufValue.Bools(values);
            }
            case STRING -> {
                var values = new PackedTexts.Builder(n);
                for (int i = 0; i < n; i++) {
                    values.add(in.utf8(place, GgufCursor.MAX_TEXT));
                }
                yield new GgufValue.Texts(values.build());
            }
            case ARRAY -> {
                var values = new ArrayList<GgufValue.Array>(n);
                for (int i = 0; i < n; i++) {
                    values.add(array(in, place, depth + 1));
                }
                yield new GgufValue.Nested(values);
            }
        };
    }

    private static long integer(GgufCursor in, GgufValue.Type type, String place) {
        return switch (type) {
            case UINT8 -> Byte.toUnsignedLong(in.int8(place));
            case INT8 -> in.int8(place);
            case UINT16 -> Short.toUnsignedLong(in.int16(place));
            case INT16 -> in.int16(place);
            case UINT32 -> Integer.toUnsignedLong(in.int32(place));
            case INT32 -> in.int32(place);
            case UINT64, INT64 -> in.int64(place);
            case FLOAT32, BOOL, STRING, ARRAY, FLOAT64 -> throw new IllegalStateException(type.name());
        };
    }

    /** 0 is false; writers should write 1 for true, but some write other numbers, which llama.cpp takes too. */
    private static boolean bool(GgufCursor in, String place) {
        return in.int8(place) != 0;
    }

    private static long alignment(GgufCursor in, GgufValue value) {
        return switch (value) {
            case null -> DEFAULT_ALIGNMENT;
            case GgufValue.Int i when isAlignment(i.value()) -> i.value();
            case GgufValue v -> throw in.broken("metadata " + ALIGNMENT_KEY, "is " + v + ", must be a power of two up to " + MAX_ALIGNMENT);
        };
    }

    static boolean isAlignment(long value) {
        return value >= 1 && value <= MAX_ALIGNMENT && Long.bitCount(value) == 1;
    }

    private static List<TensorInfo> tensors(GgufCursor in, int count, long alignment) {
        var tensors = new ArrayList<TensorInfo>();
        var names = new HashSet<String>();
        for (int i = 0; i < count; i++) {
            String name = in.string("the name of tensor " + i, MAX_NAME);
            String place = "tensor " + name;
            if (name.isEmpty()) {
                throw in.broken("the name of tensor " + i, "is empty");
            }
            if (!names.add(name)) {
                throw in.broken(place, "appears twice");
            }
            int dimensions = in.int32(place);
            if (dimensions < 0 || dimensions > MAX_DIMENSIONS) {
                throw in.broken(place, "has " + Integer.toUnsignedString(dimensions) + " dimensions, the limit is " + MAX_DIMENSIONS);
            }
            var shape = new Long[dimensions];
            for (int d = 0; d < dimensions; d++) {
                shape[d] = in.int64(place);
                if (shape[d] < 0) {
                    throw in.broken(place, "has a dimension of " + Long.toUnsignedString(shape[d]) + " elements");
                }
            }
            int type = in.int32(place);
            long offset = in.int64(place);
            if (offset < 0 || offset % alignment != 0) {
                throw in.broken(place, "starts at offset " + Long.toUnsignedString(offset) + ", which must be a multiple of " + alignment);
            }
            Optional<DType> known = DType.ofGgml(type);
            tensors.add(new TensorInfo(name, type, known, List.of(shape), offset));
        }
        return List.copyOf(tensors);
    }
}
