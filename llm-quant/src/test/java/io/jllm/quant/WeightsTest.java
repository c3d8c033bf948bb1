package io.jllm.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Rows of plain tensors, as they are stored and as floats. */
class WeightsTest {
    private final Tensor tensor = random(DType.Q8_0, 7, 64);

    private static Tensor random(DType type, int rows, int cols) {
        var bytes = new byte[(int) type.bytes((long) rows * cols)];
        new Random(1).nextBytes(bytes);
        for (int at = 0; at < bytes.length; at += type.blockBytes()) {
            bytes[at + 1] &= 0x3f; // scales that are numbers
        }
        MemorySegment data = Arena.ofAuto().allocate(bytes.length);
        data.copyFrom(MemorySegment.ofArray(bytes));
        return new Tensor("some", type, rows, cols, data);
    }

    @Test
    void sizesAndFormat() {
        Weights w = tensor;
        assertEquals(7 * 68, w.bytes());
        assertEquals(68, w.rowBytes());
        assertEquals("Q8_0", w.format());
        assertEquals(new Tensor("other", DType.Q8_0, 7, 64, tensor.data()), w.named("other"));
    }

    @Test
    void aSliceIsWhereTheRowsAreAndReadCopiesTheSame() {
        MemorySegment slice = tensor.slice(2, 3).orElseThrow();
        assertEquals(tensor.data().address() + 2 * 68, slice.address());
        assertEquals(3 * 68, slice.byteSize());
        var copy = new byte[3 * 68 + 5];
        tensor.read(2, 3, MemorySegment.ofArray(copy));
        assertEquals(3 * 68, slice.mismatch(MemorySegment.ofArray(copy)));
        assertEquals(0, tensor.slice(7, 0).orElseThrow().byteSize());
    }

    @Test
    void decodesTheRowsThatWereAskedFor() {
        var all = new float[7 * 64];
        Codec.of(DType.Q8_0).orElseThrow().decode(tensor.data(), 0, all, 0, all.length);
        var some = new float[2 * 64 + 1];
        tensor.decode(4, 2, some, 1);
        assertArrayEquals(Arrays.copyOfRange(all, 4 * 64, 6 * 64), Arrays.copyOfRange(some, 1, some.length));
    }

    @Test
    void rowsThatAreNotThereAndValuesThatCannotBeRead() {
        MemorySegment room = Arena.ofAuto().allocate(1 << 10);
        for (long[] range : new long[][] {{-1, 1}, {7, 1}, {5, 3}, {0, 8}}) {
            assertThrows(IndexOutOfBoundsException.class, () -> tensor.slice(range[0], range[1]));
            assertThrows(IndexOutOfBoundsException.class, () -> tensor.read(range[0], range[1], room));
            assertThrows(IndexOutOfBoundsException.class, () -> tensor.decode(range[0], (int) range[1], new float[640], 0));
        }
        assertThrows(IndexOutOfBoundsException.class, () -> tensor.read(0, 7, room.asSlice(0, 7 * 68 - 1)));
        var unreadable = new Tensor("odd", DType.I8, 1, 32, Arena.ofAuto().allocate(32));
        String message = assertThrows(IllegalArgumentException.class, () -> unreadable.decode(0, 1, new float[32], 0)).getMessage();
        assertEquals("tensor odd is stored as I8, which cannot be read", message);
    }

    @Test
    void aSourceGivesWeightsByNameAndPlainTensors() {
        WeightSource source = new WeightSource() {
            @Override
            public Set<String> names() {
                return Set.of("some");
            }

            @Override
            public Optional<Weights> find(String name) {
                return name.equals("some") ? Optional.of(tensor) : Optional.empty();
            }

            @Override
            public void close() {
                // nothing to give back
            }
        };
        assertEquals(tensor, source.get("some"));
        assertEquals(tensor, source.tensor("some"));
        assertThrows(IllegalArgumentException.class, () -> source.tensor("none"));
    }
}
