package io.jllm.spi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The oracle agrees with itself: prefill, chunks and single tokens are the same numbers, on every block size. */
class ReferenceRunnerTest {
    private static final List<Integer> TOKENS = List.of(3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5);

    private final Program program = TinyModels.program(TinyModels.config(17));
    private final TinyModels.MemoryWeights weights = TinyModels.weights(program, 1);

    private ReferenceRunner runner(int blockSize) {
        return new ReferenceBackend().load(program, weights, new Backend.RunnerOptions(16, 2, 16, blockSize, 40, 0, DType.F32));
    }

    @Test
    void chunksAndBlockSizesChangeNothing() {
        float[] whole = logits(runner(16), 11);
        for (int blockSize : new int[] {1, 3, 64}) {
            for (int chunk : new int[] {1, 4}) {
                assertArrayEquals(whole, logits(runner(blockSize), chunk, blockSize), "block size " + blockSize + ", chunk " + chunk);
            }
        }
    }

    @Test
    void attentionIsCausal() {
        ReferenceRunner runner = runner(4);
        runner.forward(TinyModels.single(TOKENS, 0, 4, TOKENS.size()));
        float first = runner.logits().getAtIndex(ValueLayout.JAVA_FLOAT, 5);
        runner.forward(TinyModels.single(TOKENS.subList(0, 1), 0, 4, 1));
        assertEquals(first, runner.logits().getAtIndex(ValueLayout.JAVA_FLOAT, 5));
    }

    @Test
    void everyMisfitIsNamed() {
        var broken = new LinkedHashMap<>(weights.tensors());
        broken.remove("blk.1.ffn_up.weight");
        broken.put("output_norm.weight", TinyModels.tensor("output_norm.weight", DType.F32, 1, 2, new float[2]));
        Tensor q = broken.get("blk.0.attn_q.weight");
        broken.put(q.name(), new Tensor(q.name(), DType.I32, q.rows(), q.cols(), q.data()));
        var options = new Backend.RunnerOptions(16, 2, 16, 4, 40, 0, DType.F32);
        String message = assertThrows(IllegalArgumentException.class,
                () -> new ReferenceBackend().load(program, new TinyModels.MemoryWeights(broken), options)).getMessage();
        for (String part : List.of("blk.1.ffn_up.weight (96 x 64) is missing", "output_norm.weight is 1 x 2, the model needs 1 x 64",
                "blk.0.attn_q.weight has type I32")) {
            assertTrue(message.contains(part), message);
        }
    }

    private static float[] logits(ReferenceRunner runner, int chunk) {
        return logits(runner, chunk, 16);
    }

    private static float[] logits(ReferenceRunner runner, int chunk, int blockSize) {
        for (int at = 0; at < TOKENS.size(); at += chunk) {
            runner.forward(TinyModels.single(TOKENS.subList(at, Math.min(TOKENS.size(), at + chunk)), at, blockSize, 1));
        }
        return runner.logits().asSlice(0, 17 * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT);
    }
}
