package io.jllm.model;

import io.jllm.LLM;
import java.nio.file.Path;

/** All families on the oracle. */
class FamilyOraclesTest extends FamilyOracles {
    @Override
    protected LLM open(Path model) {
        return LLM.load(model).backend("reference").open();
    }
}
