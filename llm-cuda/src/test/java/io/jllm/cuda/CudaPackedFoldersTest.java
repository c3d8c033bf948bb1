package io.jllm.cuda;

import io.jllm.LLM;
import io.jllm.model.PackedFolders;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** All packed folders on the device. Models as small as these feel it when activations are rounded to bytes. */
class CudaPackedFoldersTest extends PackedFolders {
    @BeforeEach
    void aDeviceIsThere() {
        OnDevice.assume();
    }

    @Override
    protected LLM open(Path model) {
        return LLM.load(model).backend("cuda").open();
    }

    /** By bitsandbytes' own logits, though each row has its own outliers here, and a scale for each 32 of the others. */
    @ParameterizedTest
    @ValueSource(strings = {"bnb-int8", "bnb-int8-thr"})
    void asBitsAndBytes(String folder) throws IOException {
        checkOutliers(folder, this::open, tolerance());
    }

    @Override
    protected double tolerance() {
        return 0.15;
    }

    @Override
    protected double margin() {
        return 0.2;
    }
}
