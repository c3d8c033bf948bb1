package io.jllm.load;

import io.jllm.model.Architecture;
import java.util.Optional;

/**
 * A model whose numbers its family has read.
 *
 * @param model as the family made it
 * @param gguf what a GGUF file of it says; empty if it comes from one
 */
record FamilyModel(Architecture.Model model, Optional<GgufForm> gguf) {
}
