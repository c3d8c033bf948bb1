package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import io.jllm.ModelLoadException;
import io.jllm.load.CutShortFamily;
import io.jllm.model.GoldenModel;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that shrink while they are mapped, with machine code that reads them too: the process must live on. */
class LostFileTest {
    @TempDir
    private Path dir;

    @ParameterizedTest
    @ValueSource(strings = {"", "scalar"})
    void whileWeightsAreRead(String kernels) throws IOException {
        for (int round = 0; round < 20; round++) {
            Path folder = GoldenModel.unpack("llama-grouped", "config.json", dir.resolve(kernels + round));
            var load = LLM.load(folder).backend("cpu").family(new CutShortFamily(folder.resolve("model.safetensors")));
            var e = assertThrows(ModelLoadException.class, () -> (kernels.isEmpty() ? load : load.kernels(kernels)).open());
            assertTrue(e.getMessage().startsWith("a file of " + folder + " was cut short, or its disk failed"), e.getMessage());
        }
    }
}
