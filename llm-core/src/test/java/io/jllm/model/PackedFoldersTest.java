package io.jllm.model;

import io.jllm.LLM;
import java.nio.file.Path;

/** All packed folders on the oracle. */
class PackedFoldersTest extends PackedFolders {
    @Override
    protected LLM open(Path model) {
        return LLM.load(model).backend("reference").open();
    }
}
