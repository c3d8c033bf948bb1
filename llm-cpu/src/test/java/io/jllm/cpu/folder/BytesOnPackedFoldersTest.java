package io.jllm.cpu.folder;

import io.jllm.LLM;
import io.jllm.model.PackedFolders;
import java.nio.file.Path;

/**
 * All packed folders as they run by default, where weights in blocks meet bytes. Models as small as these feel it when activations are rounded: the
 * libraries' own are off by 6e-2 where they do so.
 */
class BytesOnPackedFoldersTest extends PackedFolders {
    @Override
    protected LLM open(Path model) {
        return LLM.load(model).backend("cpu").open();
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
