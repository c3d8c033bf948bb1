package io.jllm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.spi.TinyModels;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ProgramTest {
    private static final Op.AttentionShape WIDE = new Op.AttentionShape(4, 2, 16);
    private static final Op.AttentionShape NARROW = new Op.AttentionShape(4, 1, 8);

    private final Program.Builder p = new Program.Builder();

    private Value layer(Value x, int layer, Op.AttentionShape shape) {
        Value qkv = p.linear(x, new Weight("qkv" + layer, shape.qDim() + 2 * shape.kvDim(), Optional.of("bias" + layer)));
        Value q = p.ropeStoreKv(qkv, layer, shape, TinyModels.rope(8, Rope.Layout.NEOX, 1), Optional.of(new Op.QkNorm("qn", "kn", 1e-5f)));
        return p.attention(q, layer, shape, 0);
    }

    @Test
    void opsSayWhatTheyReadAndKeep() {
        Value wide = layer(p.embed("table", 100, 40), 5, WIDE);
        Program program = p.build(p.linear(layer(wide, 1, NARROW), new Weight("out", 7, Optional.empty())));
        assertEquals(7, program.vocab());
        assertEquals(List.of(new CachedLayer(5, 2, 16), new CachedLayer(1, 1, 8)), program.cachedLayers());
        assertEquals(6, program.cachedLayerRoom());
        assertEquals(2 * (2 * 16 + 8), program.kvFloatsPerToken());
        assertEquals(List.of(new WeightShape("table", 100, 40), new WeightShape("qkv5", 128, 40), new WeightShape("bias5", 1, 128),
                new WeightShape("qn", 1, 16), new WeightShape("kn", 1, 16), new WeightShape("qkv1", 48, 64), new WeightShape("bias1", 1, 48),
                new WeightShape("qn", 1, 8), new WeightShape("kn", 1, 8), new WeightShape("out", 7, 32)), WeightShape.of(program));
    }

    @Test
    void opsMustAgreeOnALayer() {
        Value wide = layer(p.embed("table", 100, 40), 0, WIDE);
        Value narrow = layer(wide, 0, NARROW);
        String message = assertThrows(IllegalArgumentException.class, () -> p.build(narrow)).getMessage();
        assertTrue(message.contains("layer 0 of the KV cache has 2 heads of 16 for one op, and 1 of 8 for another"), message);
    }

    @Test
    void rotationsAreEqualByValue() {
        var a = TinyModels.rope(8, Rope.Layout.NEOX, 1);
        assertEquals(a, TinyModels.rope(8, Rope.Layout.NEOX, 1));
        assertEquals(a.hashCode(), TinyModels.rope(8, Rope.Layout.NEOX, 1).hashCode());
        assertNotEquals(a, TinyModels.rope(6, Rope.Layout.NEOX, 1));
        assertNotEquals(a, TinyModels.rope(8, Rope.Layout.INTERLEAVED, 1));
        assertNotEquals(a, TinyModels.rope(8, Rope.Layout.NEOX, 2));
        assertNotEquals(a, new Rope(8, Rope.Layout.NEOX, new float[4], 1));
    }
}
