package io.jllm.cuda.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.spi.TinyModels;
import java.util.Map;
import org.junit.jupiter.api.Test;

class KvCacheTest {
    /** Keys and values of 7 positions and 3 heads; layers start at multiples of 16 bytes, blocks end at one of 256. */
    @Test
    void bytesOfABlockByType() {
        Map<DType, Integer> heads = Map.of(DType.F32, 4 * 40, DType.F16, 2 * 40, DType.BF16, 2 * 40, DType.F8_E4M3, 40, DType.Q8_0, 40 + 2 * 2);
        heads.forEach((type, bytes) -> {
            long layer = Math.ceilDiv(2 * 3 * 7 * bytes, 16) * 16L;
            assertEquals(Math.ceilDiv(2 * layer, 256) * 256, KvCache.blockBytes(twoLayers(40), 7, type), type.name());
        });
    }

    @Test
    void bytesOfScalesAreASixteenthOfThoseOfWholeBlocks() {
        assertEquals(KvCache.blockBytes(twoLayers(128), 16, DType.F8_E4M3) * 17 / 16, KvCache.blockBytes(twoLayers(128), 16, DType.Q8_0));
    }

    private static Program twoLayers(int headDim) {
        return TinyModels.program(TinyModels.config(20, 2, 32, 32, new Op.AttentionShape(3, 3, headDim), 64, 0));
    }
}
