package io.jllm.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.ModelLoadException;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.Device;
import io.jllm.demo.DemoModel;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Opening, failing and closing on a device. */
class CudaLifeTest {
    private static final SamplingParams SHORT = SamplingParams.builder().temperature(0).maxTokens(4).ignoreEos(true).build();

    @BeforeEach
    void aDeviceIsThere() {
        OnDevice.assume();
    }

    @Test
    void fiftyLivesLeaveNothingBehind() {
        try (Context context = Context.open(Device.of(0))) {
            generate();
            long before = context.freeMemory();
            for (int i = 0; i < 50; i++) {
                generate();
            }
            assertEquals(before, context.freeMemory());
        }
    }

    private static void generate() {
        try (LLM llm = LLM.load(DemoModel.path()).backend("cuda").maxContext(256).open()) {
            assertEquals(4, llm.generate("Once", SHORT).tokenIds().length);
        }
    }

    @Test
    void aLoadThatDoesNotFitLeavesTheProcessUsable() {
        var builder = LLM.load(DemoModel.path()).backend("cuda").maxSequences(4096).kvCache(1L << 40);
        String message = assertThrows(ModelLoadException.class, () -> builder.gpuMemoryFraction(0.01).open()).getMessage();
        for (String part : List.of("out of device memory", "weights", "KV", "scratch", "gpuMemoryFraction")) {
            assertTrue(message.contains(part), message);
        }
        generate();
    }

    @Test
    void aCancelledRequestLeavesTheProcessUsable() {
        try (LLM llm = LLM.load(DemoModel.path()).backend("cuda").open()) {
            var slow = SamplingParams.builder().maxTokens(400).ignoreEos(true).timeout(Duration.ofMillis(20)).build();
            RequestOutput out = llm.generate(List.of(Prompt.of("Once upon a time")), slow).getFirst();
            assertTrue(out.finishReason() == FinishReason.CANCELLED || out.tokenIds().length == 400, out.finishReason().toString());
            assertEquals(4, llm.generate("Once", SHORT).tokenIds().length);
        }
    }
}
