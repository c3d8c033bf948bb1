package io.jllm.adapter.file;

import io.jllm.quant.Tensor;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/** What a peft folder holds for one module of its model. */
record PeftModule(String name, Map<Part, Tensor> parts) {
    /** What a tensor is to its module, by the end of its name. */
    enum Part {
        DOWN(".lora_A.weight"),
        UP(".lora_B.weight"),
        UP_BIAS(".lora_B.bias"),
        TABLE_DOWN(".lora_embedding_A"),
        TABLE_UP(".lora_embedding_B"),
        MAGNITUDE(".lora_magnitude_vector"),
        /** So older versions called it. */
        OLD_MAGNITUDE(".lora_magnitude_vector.weight"),
        TOKENS(".token_adapter.trainable_tokens_delta"),
        BASE(".base_layer.weight"),
        BASE_BIAS(".base_layer.bias"),
        WHOLE(".weight"),
        WHOLE_BIAS(".bias");

        private final String end;

        Part(String end) {
            this.end = end;
        }

        /** That of a tensor; the first that fits counts. */
        static Optional<Part> of(String tensor) {
            for (Part p : values()) {
                if (tensor.endsWith(p.end) && tensor.length() > p.end.length()) {
                    return Optional.of(p);
                }
            }
            return Optional.empty();
        }

        /** What the names of such tensors have behind that of their module. */
        String end() {
            return end;
        }

        /** The module's name, of that of its tensor. */
        String module(String tensor) {
            return tensor.substring(0, tensor.length() - end.length());
        }
    }

    /** Of no tensors yet. */
    PeftModule(String name) {
        this(name, new EnumMap<>(Part.class));
    }

    /** A tensor of it, of the first of these kinds that there is. */
    Optional<Tensor> find(Part... kinds) {
        for (Part p : kinds) {
            if (parts.containsKey(p)) {
                return Optional.of(parts.get(p));
            }
        }
        return Optional.empty();
    }
}
