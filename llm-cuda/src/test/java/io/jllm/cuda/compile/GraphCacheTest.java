package io.jllm.cuda.compile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class GraphCacheTest {
    private final List<CompiledOp> one = new ArrayList<>();
    private final List<CompiledOp> few = new ArrayList<>();
    private final List<CompiledOp> many = new ArrayList<>();

    @Test
    void aLongSequenceAloneIsDoneAsTheFirstOfFew() {
        try (var graphs = new GraphCache(() -> one, () -> few, () -> many, 16, 64)) {
            assertSame(one, graphs.ops(1, 1));
            assertSame(one, graphs.ops(1, GraphCache.LONG));
            assertSame(few, graphs.ops(1, GraphCache.LONG + 1));
            assertSame(few, graphs.ops(2, 1));
            assertSame(few, graphs.ops(16, GraphCache.LONG + 1));
            assertSame(many, graphs.ops(24, 1));
        }
    }

    @Test
    void bucketsAreExactForFewThenInStepsUpToTheLimit() {
        try (var graphs = new GraphCache(() -> one, () -> few, () -> many, 16, 70)) {
            assertEquals(1, graphs.bucket(1));
            assertEquals(7, graphs.bucket(7));
            assertEquals(16, graphs.bucket(9));
            assertEquals(64, graphs.bucket(64));
            assertEquals(70, graphs.bucket(65));
        }
    }
}
