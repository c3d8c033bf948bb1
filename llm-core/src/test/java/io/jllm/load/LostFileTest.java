package io.jllm.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import io.jllm.ModelLoadException;
import io.jllm.convert.Converter;
import io.jllm.json.FileErrors;
import io.jllm.model.GoldenModel;
import io.jllm.quant.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that shrink while they are mapped. */
class LostFileTest {
    @TempDir
    private Path dir;
    private Path folder;
    private CutShortFamily family;

    @BeforeEach
    void model() throws IOException {
        folder = GoldenModel.unpack("llama-tied", "config.json", dir);
        family = new CutShortFamily(folder.resolve("model.safetensors"));
    }

    private void said(ModelLoadException e) {
        assertTrue(e.getMessage().startsWith("a file of " + folder + " was cut short, or its disk failed"), e.getMessage());
    }

    @Test
    void whileTheBackendReads() {
        said(assertThrows(ModelLoadException.class, () -> LLM.load(folder).backend("reference").family(family).open()));
    }

    @Test
    void whileItIsConverted() {
        Path out = dir.resolve("out.gguf");
        said(assertThrows(ModelLoadException.class, () -> Converter.convert(folder, out, Converter.Options.of(DType.F16),
                Converter.Progress.NONE, List.of(family))));
        assertFalse(Files.exists(out));
    }

    @Test
    void otherErrorsAreNotTakenForIt() {
        assertFalse(FileErrors.isLost(new InternalError("something else")));
        assertFalse(FileErrors.isLost(new InternalError()));
        assertFalse(FileErrors.isLost(new IllegalStateException("unsafe memory access")));
        assertEquals(InternalError.class, FileErrors.lost(folder, new InternalError()).getCause().getClass());
    }
}
