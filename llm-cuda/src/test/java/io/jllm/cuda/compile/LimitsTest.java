package io.jllm.cuda.compile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.spi.TinyModels;
import java.util.List;
import org.junit.jupiter.api.Test;

class LimitsTest {
    @Test
    void floatActivationsAreForWeightsThatAreFloats() {
        Program program = TinyModels.program(TinyModels.config(300));
        for (DType dense : new DType[] {DType.F32, DType.F16, DType.BF16}) {
            assertEquals(List.of(), Limits.floatActivations(program, TinyModels.weights(program, dense, 1)));
        }
        List<String> reasons = Limits.floatActivations(program, TinyModels.weights(program, DType.Q8_0, 1));
        assertEquals(1, reasons.size());
        assertTrue(reasons.getFirst().contains("Q8_0") && reasons.getFirst().contains("8 bits"), reasons.getFirst());
    }
}
