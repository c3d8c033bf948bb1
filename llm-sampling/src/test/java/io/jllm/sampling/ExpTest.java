package io.jllm.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.api.Test;

class ExpTest {
    @Test
    void agreesWithTheLibrary() {
        var random = new Random(1);
        double worst = 0;
        for (int i = 0; i < 200_000; i++) {
            double x = -random.nextDouble() * (i % 2 == 0 ? 708 : i % 3 == 0 ? 1e-3 : 5);
            worst = Math.max(worst, Math.abs(Exp.of(x) / StrictMath.exp(x) - 1));
        }
        assertEquals(0, worst, 2e-15);
    }

    @Test
    void edges() {
        assertEquals(1, Exp.of(0));
        assertEquals(1, Exp.of(-0.0));
        assertEquals(1, Exp.of(-Double.MIN_VALUE));
        assertEquals(StrictMath.exp(-708), Exp.of(-708), 1e-320);
        assertEquals(0, Exp.of(-708.0001));
        assertEquals(0, Exp.of(-1e300));
        assertEquals(0, Exp.of(Double.NEGATIVE_INFINITY));
    }
}
