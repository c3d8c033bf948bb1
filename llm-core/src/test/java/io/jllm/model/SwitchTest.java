package io.jllm.model;

import io.jllm.LLM;
import java.nio.file.Path;

/** All switches on the oracle. */
class SwitchTest extends SwitchContract {
    @Override
    protected LLM open(Path model) {
        return LLM.load(model).backend("reference").open();
    }
}
