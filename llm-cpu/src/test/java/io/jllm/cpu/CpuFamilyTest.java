package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.SamplingParams;
import io.jllm.model.FamilyContract;
import io.jllm.model.PatchworkFamily;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider.BackendOptions;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A family that is not known here, with the kernels of this machine. */
class CpuFamilyTest extends FamilyContract {
    @Override
    protected Backend open(int threads) {
        return new CpuBackend(new BackendOptions(threads, "auto", 0), 0);
    }

    @Test
    void anApplicationAddsIt() {
        try (var a = LLM.load(folder).family(new PatchworkFamily()).backend("cpu").threads(2).open();
                var b = LLM.load(gguf).family(new PatchworkFamily()).backend("cpu").threads(2).open()) {
            assertEquals("patchwork", a.config().architecture());
            assertArrayEquals(said(a), said(b));
        }
    }

    private static int[] said(LLM llm) {
        var params = SamplingParams.builder().temperature(0).maxTokens(5).build();
        return llm.generate(List.of(Prompt.ofTokens(3, 10, 17)), params).getFirst().outputs().getFirst().tokenIds();
    }
}
