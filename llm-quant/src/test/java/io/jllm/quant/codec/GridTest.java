package io.jllm.quant.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The table of points that a codec gives is the one that its numbers are decoded by: every number, alone in a block whose scales are known. */
class GridTest {
    private static final int VALUES = 256;
    private static final short ONE = Float.floatToFloat16(1f);

    /**
     * A format with a grid.
     *
     * @param points how many there are
     * @param width values of a point
     * @param lower where the lower 8 bits of a block's first number stand
     * @param upper where its further bits stand, the lowest of a byte
     * @param scale what points are multiplied by where d is 1 and the block's other bytes are 0
     * @param shift what is added to them then
     */
    private record Gridded(DType type, int points, int width, int lower, int upper, float scale, float shift) {
        float[] decoded(int point) {
            var block = new byte[(int) type.bytes(VALUES)];
            if (type == DType.IQ1_M) { // d is spread over the upper 4 bits of four pairs of bytes
                for (int i = 0; i < 4; i++) {
                    block[49 + 2 * i] = (byte) ((ONE >> 4 * i & 15) << 4);
                }
            } else {
                block[0] = (byte) ONE;
                block[1] = (byte) (ONE >> 8);
            }
            block[lower] = (byte) point;
            block[upper] |= (byte) (point >> 8);
            var values = new float[VALUES];
            Codec.of(type).orElseThrow().decode(MemorySegment.ofArray(block), 0, values, 0, VALUES);
            return Arrays.copyOf(values, width);
        }
    }

    private static List<Gridded> formats() {
        return List.of(new Gridded(DType.IQ2_XXS, 256, 8, 2, 3, 0.125f, 0), new Gridded(DType.IQ2_XS, 512, 8, 2, 3, 0.125f, 0),
                new Gridded(DType.IQ2_S, 1024, 8, 2, 66, 0.125f, 0), new Gridded(DType.IQ3_XXS, 256, 4, 2, 3, 0.25f, 0),
                new Gridded(DType.IQ3_S, 512, 4, 2, 66, 1, 0), new Gridded(DType.IQ1_S, 2048, 8, 2, 34, 1, 0.125f),
                new Gridded(DType.IQ1_M, 2048, 8, 0, 32, 1, 0.125f));
    }

    @ParameterizedTest
    @MethodSource("formats")
    void everyPointIsDecodedAsTheTableHasIt(Gridded format) {
        byte[] grid = Codec.of(format.type).orElseThrow().grid();
        assertEquals(format.points * format.width, grid.length);
        Set<List<Float>> seen = new HashSet<>();
        for (int p = 0; p < format.points; p++) {
            float[] values = format.decoded(p);
            var expected = new float[format.width];
            for (int i = 0; i < expected.length; i++) {
                expected[i] = format.scale * (grid[p * format.width + i] + format.shift);
            }
            assertArrayEquals(expected, values, "point " + p);
            seen.add(IntStream.range(0, values.length).mapToObj(i -> values[i]).toList());
        }
        assertEquals(format.points, seen.size(), "points that differ");
    }

    @Test
    void otherFormatsHaveNone() {
        Set<DType> gridded = formats().stream().map(Gridded::type).collect(Collectors.toSet());
        Stream.of(DType.values()).filter(t -> !gridded.contains(t)).flatMap(t -> Codec.of(t).stream())
                .forEach(c -> assertEquals(0, c.grid().length, c.type().name()));
    }
}
