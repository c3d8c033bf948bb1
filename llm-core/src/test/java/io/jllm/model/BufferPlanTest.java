package io.jllm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.spi.TinyModels;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BufferPlanTest {
    @Test
    void noTwoLiveValuesOverlapInAModel() {
        check(TinyModels.program(TinyModels.config(1000)));
        check(TinyModels.program(TinyModels.config(33, 3, 40, 72, new Op.AttentionShape(6, 3, 20), 64, 0)));
    }

    @Test
    void noTwoLiveValuesOverlapInRandomPrograms() {
        for (int seed = 0; seed < 200; seed++) {
            check(random(new Random(seed)));
        }
    }

    @Test
    void anOrdinaryModelNeedsTheRowsOfItsWidestMoment() {
        // Llama-3.2-1B: residual, norm, gate and up, and their product (which does not fit the norm's place), however many layers
        var c = TinyModels.config(128_256, 16, 2048, 8192, new Op.AttentionShape(32, 8, 64), 131_072, 0);
        BufferPlan plan = BufferPlan.of(TinyModels.program(c));
        assertEquals(2 * 2048 + 3 * 8192, plan.tokenFloats(), plan.toString());
        assertEquals(2 * 2048 + 128_256, plan.logitFloats(), plan.toString());
    }

    @Test
    void aResidualIsReplacedOnlyByItsLastReader() {
        var p = new Program.Builder();
        Value x = p.embed("e", 10, 64);
        Value h = p.rmsNorm(x, "n", 1e-5f);
        Value first = p.linearAdd(x, h, new Weight("a", 64, Optional.empty()));
        Value second = p.linearAdd(x, h, new Weight("b", 64, Optional.empty()));
        Value self = p.linearAdd(second, second, new Weight("c", 64, Optional.empty()));
        Value both = p.linearAdd(self, first, new Weight("d", 64, Optional.empty()));
        Program program = p.build(p.linear(p.selectRows(both), new Weight("e", 10, Optional.empty())));
        BufferPlan plan = BufferPlan.of(program);
        assertNotEquals(plan.offset(x), plan.offset(first));
        assertEquals(plan.offset(x), plan.offset(second));
        assertNotEquals(plan.offset(second), plan.offset(self));
        assertEquals(plan.offset(self), plan.offset(both));
        check(program);
    }

    private static Program random(Random random) {
        var p = new Program.Builder();
        var values = new ArrayList<>(List.of(p.embed("e", 10, 64), p.embed("e", 10, 64)));
        for (int i = 0; i < 30; i++) {
            Value a = values.get(random.nextInt(values.size()));
            Value b = values.get(random.nextInt(values.size()));
            int width = 1 + random.nextInt(50);
            values.add(switch (random.nextInt(4)) {
                case 0 -> p.rmsNorm(a, "n", 1e-5f);
                case 1 -> p.linear(a, new Weight("w", width, Optional.empty()));
                case 2 -> a.rows() == b.rows() ? p.linearAdd(a, b, new Weight("w", a.width(), Optional.empty())) : p.rmsNorm(b, "n", 1e-5f);
                default -> a.rows() == Value.Rows.TOKENS ? p.selectRows(a) : p.rmsNorm(a, "n", 1e-5f);
            });
        }
        return p.build(values.getLast());
    }

    private static void check(Program program) {
        BufferPlan plan = BufferPlan.of(program);
        List<Op> ops = program.ops();
        for (int i = 0; i < ops.size(); i++) {
            Value out = ops.get(i).out();
            int floats = out.rows() == Value.Rows.TOKENS ? plan.tokenFloats() : plan.logitFloats();
            assertTrue(plan.offset(out) % BufferPlan.ALIGN == 0 && plan.offset(out) + out.width() <= floats, plan.toString());
            for (Value other : program.values()) {
                boolean mayShare = ops.get(i) instanceof Op.Linear l && l.residual().filter(other::equals).isPresent()
                        && !other.equals(l.in()) && !usedAfter(program, other, i);
                if (!other.equals(out) && !mayShare && bornBefore(ops, other, i) && (usedAfter(program, other, i - 1))
                        && other.rows() == out.rows()) {
                    assertTrue(plan.offset(out) + out.width() <= plan.offset(other) || plan.offset(other) + other.width() <= plan.offset(out),
                            () -> "values " + out + " and " + other + " overlap: " + plan);
                }
            }
        }
    }

    private static boolean bornBefore(List<Op> ops, Value v, int op) {
        return ops.subList(0, op).stream().anyMatch(o -> o.out().equals(v));
    }

    private static boolean usedAfter(Program program, Value v, int op) {
        return program.logits().equals(v)
                || program.ops().subList(op + 1, program.ops().size()).stream().anyMatch(o -> o.inputs().contains(v));
    }
}
