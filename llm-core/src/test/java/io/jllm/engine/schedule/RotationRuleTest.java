package io.jllm.engine.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Value;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RotationRuleTest {
    private static final float[] FREQUENCIES = {1, 0.5f};

    private static RotationRule of(Rope.Longer... ways) {
        var p = new Program.Builder();
        Value x = p.embed("t", 4, 8);
        for (int l = 0; l < ways.length; l++) {
            var rope = new Rope(4, Rope.Layout.NEOX, FREQUENCIES, 1, Optional.of(ways[l]));
            var shape = new Op.AttentionShape(1, 1, 4);
            x = l % 2 == 0 ? p.rotate(p.embed("q", 4, 12), shape, rope) : p.ropeStoreKv(p.embed("q", 4, 12), l, shape, rope, Optional.empty());
        }
        return RotationRule.of(p.build(x));
    }

    private static Rope.Longer above(int border) {
        return new Rope.Longer.Switched(border, FREQUENCIES, 1);
    }

    @Test
    void mostModelsRotateAllTextsAlike() {
        var rule = of();
        assertEquals(List.of(), rule.borders());
        assertEquals(0, rule.chosen(1_000_000));
        assertFalse(rule.outgrown(0, 1_000_000));
    }

    @Test
    void textsBetweenTwoBordersAreAlike() {
        var rule = of(above(100), above(10), above(100));
        assertEquals(List.of(10, 100), rule.borders());
        assertEquals(0, rule.chosen(10));
        assertEquals(11, rule.chosen(11));
        assertEquals(11, rule.chosen(100));
        assertEquals(101, rule.chosen(500));
        assertFalse(rule.outgrown(0, 10));
        assertTrue(rule.outgrown(0, 11));
        assertFalse(rule.outgrown(11, 100));
        assertTrue(rule.outgrown(11, 101));
        assertFalse(rule.outgrown(101, 1000));
    }

    @Test
    void aGrowingBaseTellsAllLongTextsApart() {
        var rule = of(new Rope.Longer.Dynamic(20, 4, 10_000, 2, 1));
        assertEquals(0, rule.chosen(20));
        assertEquals(21, rule.chosen(21));
        assertEquals(35, rule.chosen(35));
        assertFalse(rule.outgrown(0, 500));
    }
}
