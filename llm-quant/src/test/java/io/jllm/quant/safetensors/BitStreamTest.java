package io.jllm.quant.safetensors;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole streams that are one number. */
class BitStreamTest {
    @ParameterizedTest
    @CsvSource({"8, -128, 80808080, true", "8, -128, FFFFFF80, false", "8, 127, 7F7F7F7F, true", "4, 8, 88888888, true", "4, -8, 88888888, true",
        "4, 8, 88888887, false", "2, 2, AAAAAAAA, true", "3, 4, 24924924, false"})
    void aNumberIsTheOnlyOneWhateverItsSign(int bits, int number, String word, boolean only) {
        ByteBuffer words = ByteBuffer.allocate(3 * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 3; i++) {
            words.putInt(Integer.parseUnsignedInt(word, 16));
        }
        var stream = new BitStream(MemorySegment.ofArray(words.array()), 1);
        assertEquals(only, stream.only(bits, number));
        words.put(11, (byte) (words.get(11) ^ 1));
        assertFalse(stream.only(bits, number), "the last word is another one");
    }
}
