package io.jllm.spi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.jllm.quant.DType;
import io.jllm.spi.Backend.RunnerOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunnerOptionsTest {
    private static RunnerOptions options(long... sizes) {
        return new RunnerOptions((int) sizes[0], (int) sizes[1], (int) sizes[2], (int) sizes[3], (int) sizes[4], sizes[5], DType.F32);
    }

    @Test
    void leastSizesWillDo() {
        assertEquals(1, options(1, 1, 1, 1, 1, 0).maxBlocks());
    }

    @ParameterizedTest
    @CsvSource({"0,maxTokensPerStep,0,1", "1,maxSequences,0,1", "2,maxLogitRows,-1,1", "3,blockSize,0,1", "4,maxBlocks,0,1", "5,kvBytes,-1,0"})
    void smallerOnesAreNamed(int which, String name, long value, long least) {
        long[] sizes = {1, 1, 1, 1, 1, 0};
        sizes[which] = value;
        var refused = assertThrows(IllegalArgumentException.class, () -> options(sizes));
        assertEquals(name + " must be at least " + least + ", was " + value, refused.getMessage());
    }
}
