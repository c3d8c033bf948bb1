package io.jllm.quant.safetensors;

import io.jllm.quant.DType;
import io.jllm.quant.Grouped;
import io.jllm.quant.Grouping;
import io.jllm.quant.Tensor;
import java.io.ByteArrayInputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Weights as bitsandbytes stores them in 4 bits, NF4 or FP4: {@code weight} has the places of all values in {@code weight.quant_map}, two a byte,
 * the first in the higher half; {@code weight.absmax} has a scale for each block of values. With nested statistics that scale is a byte: its
 * place in {@code weight.nested_quant_map}, times the scale of its own block in {@code weight.nested_absmax}, plus {@code nested_offset}.
 * {@code weight.quant_state.bitsandbytes__nf4} (fp4) says the sizes, as JSON. Values are not rounded to the type that it names.
 *
 * @param places of values
 * @param cols values a row
 * @param size values of a row that are surely of one block
 * @param block values of a block
 * @param scales of all blocks
 */
record FourBitFloats(MemorySegment places, int cols, int size, long block, Scales scales) implements Grouped.Numbers {
    /** What ends the name of the tensor that says how a weight is stored. */
    static final List<String> STATES = List.of("weight.quant_state.bitsandbytes__nf4", "weight.quant_state.bitsandbytes__fp4");
    private static final int BITS = 4;
    private static final int MAX_STATE = 1 << 16;

    /** Scales of blocks. */
    private interface Scales {
        float of(long block);
    }

    /** What the JSON says; what is absent is empty or 0. */
    private record State(String type, long size, List<Long> shape, long nestedSize, float offset) {
        static State read(CheckpointTensor t) {
            MemorySegment text = PackedModule.bytes(t);
            if (text.byteSize() > MAX_STATE) {
                throw t.broken("has " + text.byteSize() + " bytes; supported are " + MAX_STATE);
            }
            return StrictJson.read(new ByteArrayInputStream(text.toArray(ValueLayout.JAVA_BYTE)), t.file().toString(), "tensor " + t.name(), json -> {
                String type = "";
                long size = 0;
                long nestedSize = 0;
                double offset = 0;
                var shape = new ArrayList<Long>();
                json.beginObject();
                while (json.hasNext()) {
                    switch (json.nextName()) {
                        case "quant_type" -> type = StrictJson.string(json);
                        case "blocksize" -> size = StrictJson.count(json);
                        case "nested_blocksize" -> nestedSize = StrictJson.count(json);
                        case "nested_offset" -> offset = json.nextDouble();
                        case "shape" -> {
                            json.beginArray();
                            while (json.hasNext()) {
                                shape.add(StrictJson.count(json));
                            }
                            json.endArray();
                        }
                        default -> json.skipValue();
                    }
                }
                json.endObject();
                return new State(type, size, List.copyOf(shape), nestedSize, (float) offset);
            });
        }
    }

    static CheckpointTensor of(PackedModule module, CheckpointTensor weight, CheckpointTensor stateTensor) {
        State state = State.read(stateTensor);
        if (state.shape.size() != 2 || state.size < 1) {
            throw stateTensor.broken("says shape " + state.shape + " and blocksize " + state.size
                    + "; supported are two dimensions, and blocks of 1 or more");
        }
        long rows = state.shape.get(0);
        int cols = module.size(state.shape.get(1));
        if (cols % 2 != 0) {
            throw stateTensor.broken("says that rows have " + cols + " values; supported are even numbers");
        }
        MemorySegment places = PackedModule.bytes(weight);
        module.check(places.byteSize() == Math.multiplyExact(rows, cols / 2L), places.byteSize() + " bytes for " + rows + " x " + cols + " values");
        Tensor map = module.need("weight.quant_map", DType.F32);
        module.check(map.rows() * map.cols() == 1 << BITS, "quant_map has " + map.rows() * map.cols() + " values, 16 are needed");
        var book = new float[1 << BITS];
        map.decode(0, (int) map.rows(), book, 0);
        int size = common(cols, state.size); // blocks may go on from one row into the next
        Scales scales = scales(module, state, Math.ceilDiv(rows * cols, state.size));
        return module.weight(state.type.toUpperCase(Locale.ROOT), Grouping.of(BITS, cols, size, DType.F32).by(book),
                new FourBitFloats(places, cols, size, state.size, scales), rows);
    }

    /** The greatest number that divides both. */
    private static int common(long a, long b) {
        return (int) (b == 0 ? a : common(b, a % b));
    }

    private static Scales scales(PackedModule module, State state, long blocks) {
        Tensor absmax = module.need("weight.absmax", DType.F32, DType.I8);
        module.check(absmax.rows() * absmax.cols() == blocks, "absmax has " + absmax.rows() * absmax.cols() + " scales for " + blocks + " blocks");
        if (absmax.type() == DType.F32) {
            return block -> StoredNumbers.number(absmax, block);
        }
        Tensor map = module.need("weight.nested_quant_map", DType.F32);
        Tensor nested = module.need("weight.nested_absmax", DType.F32);
        module.check(state.nestedSize > 0 && map.rows() * map.cols() == 1 << Byte.SIZE
                        && nested.rows() * nested.cols() == Math.ceilDiv(blocks, state.nestedSize),
                "nested_quant_map has " + map.cols() + " values, nested_absmax " + nested.cols() + " for blocks of " + state.nestedSize);
        return block -> StoredNumbers.number(map, absmax.data().get(StoredNumbers.BYTE, block) & 0xFF)
                * StoredNumbers.number(nested, block / state.nestedSize) + state.offset;
    }

    @Override
    public List<MemorySegment> sources() {
        return List.of(places);
    }

    @Override
    public void numbers(long row, byte[] to) {
        long at = row * (cols / 2);
        for (int i = 0; i < to.length; i += 2, at++) {
            int pair = places.get(StoredNumbers.BYTE, at);
            to[i] = (byte) (pair >> BITS & 15);
            to[i + 1] = (byte) (pair & 15);
        }
    }

    @Override
    public void scales(long row, float[] to) {
        for (int b = 0; b < to.length; b++) {
            to[b] = scales.of((row * cols + (long) b * size) / block);
        }
    }

    @Override
    public void zeros(long row, byte[] to) {
        throw new IllegalStateException("numbers are places in a table");
    }
}
