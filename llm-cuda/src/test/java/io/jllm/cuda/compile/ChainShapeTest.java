package io.jllm.cuda.compile;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.spi.TinyModels;
import org.junit.jupiter.api.Test;

/** Chains are for models that are faster by them. */
class ChainShapeTest {
    private static Program program(int hidden) {
        return TinyModels.program(TinyModels.config(100, 2, hidden, 2 * hidden, new Op.AttentionShape(4, 2, 64), 256, 0));
    }

    @Test
    void modelsWithExpertsAreNotChained() {
        assertTrue(ChainShape.whole(program(576)));
        assertFalse(ChainShape.whole(TinyModels.mixture(100, 64, 32, 2)));
    }
}
