package io.jllm.cuda.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** How a matrix is shared out over blocks for one row: the kernel takes the outputs of a block from the number of blocks. */
class ProductKernelsTest {
    @Test
    void blocksThatRunAtOnceShareTheOutputs() {
        assertEquals(512, ProductKernels.blocks(4096, 528, 64)); // 8 outputs each
        assertEquals(512, ProductKernels.blocks(12_288, 528, 64)); // 24
        assertEquals(500, ProductKernels.blocks(32_000, 528, 64)); // 64
        assertEquals(1, ProductKernels.blocks(1, 528, 64));
        assertEquals(1, ProductKernels.blocks(4, 528, 64));
    }

    @Test
    void everyOutputHasABlockWithRoomForIt() {
        for (int atOnce : new int[] {1, 8, 432, 528}) {
            for (int outputs = 1; outputs < 200_000; outputs += 1 + outputs / 7) {
                int blocks = ProductKernels.blocks(outputs, atOnce, 64);
                int each = 4 * Math.ceilDiv(Math.ceilDiv(outputs, 4), blocks); // as the kernel computes it
                assertTrue(each <= 64 && (long) each * blocks >= outputs, outputs + " outputs, " + blocks + " blocks");
                assertTrue(blocks <= atOnce || outputs > 64 * atOnce, outputs + " outputs, " + blocks + " blocks");
            }
        }
    }
}
