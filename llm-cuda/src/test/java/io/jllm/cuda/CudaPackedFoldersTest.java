package io.jllm.cuda;

import io.jllm.LLM;
import io.jllm.model.PackedFolders;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;

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

    @Override
    protected double tolerance() {
        return 0.15;
    }

    @Override
    protected double margin() {
        return 0.2;
    }
}
