package io.jllm.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import org.junit.jupiter.api.Test;

class PhiloxTest {
    /** Known answers that the authors publish with their implementation, Random123. */
    @Test
    void knownAnswers() {
        check(new int[] {0, 0, 0, 0}, new int[] {0, 0}, new int[] {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
        check(new int[] {-1, -1, -1, -1}, new int[] {-1, -1}, new int[] {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
        check(new int[] {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, new int[] {0xa4093822, 0x299f31d0},
                new int[] {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
    }

    private static void check(int[] counter, int[] key, int[] want) {
        var out = new int[4];
        new Philox().block(counter[0], counter[1], counter[2], counter[3], key[0], key[1], out);
        assertArrayEquals(want, out);
    }

    @Test
    void uniformIsTheFirst53BitsOfTheBlock() {
        assertEquals((0x6627e8d5e169c58dL >>> 11) * 0x1p-53, new Philox().uniform(0, 0));
        double sum = 0;
        var seen = new HashSet<Double>();
        var philox = new Philox();
        for (int i = 0; i < 10_000; i++) {
            double u = philox.uniform(1L << 40, i);
            assertTrue(u >= 0 && u < 1);
            sum += u;
            seen.add(u);
        }
        assertEquals(0.5, sum / 10_000, 0.01);
        assertEquals(10_000, seen.size());
        assertTrue(philox.uniform(1, 1L << 40) != philox.uniform(1, 0), "the high half of the counter is not used");
        assertTrue(philox.uniform(1L << 40, 0) != philox.uniform(0, 0), "the high half of the key is not used");
    }
}
