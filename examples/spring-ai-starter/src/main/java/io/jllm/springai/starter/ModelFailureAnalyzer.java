package io.jllm.springai.starter;

import io.jllm.ModelLoadException;
import io.jllm.hub.HubException;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;

/** Says why an application did not start, if that was for its model, and what to set. */
final class ModelFailureAnalyzer implements FailureAnalyzer {
    @Override
    public @Nullable FailureAnalysis analyze(Throwable failure) {
        return Stream.iterate(failure, Objects::nonNull, Throwable::getCause)
                .flatMap(cause -> action(cause).map(action -> new FailureAnalysis(cause.getMessage(), action, cause)).stream())
                .findFirst().orElse(null);
    }

    private static Optional<String> action(Throwable cause) {
        return switch (cause) {
            case JllmAutoConfiguration.ModelNotNamedException _ -> Optional.of("Set spring.ai.jllm.model to a GGUF file, a Hugging Face folder, or a name "
                    + "such as hf:owner/name; or, for other providers' models, spring.ai.model.chat and spring.ai.model.embedding.text to their names.");
            case ModelLoadException _ -> Optional.of("Set spring.ai.jllm.model to a model that can be loaded, or change what is named above.");
            case HubException _ -> Optional.of("Set spring.ai.jllm.model to a name that can be fetched, or to a file.");
            default -> Optional.empty();
        };
    }
}
