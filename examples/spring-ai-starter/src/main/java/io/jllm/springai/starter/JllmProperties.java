package io.jllm.springai.starter;

import io.jllm.chat.AnswerFormat;
import io.jllm.embedding.EmbeddingParams;
import io.jllm.embedding.Pooling;
import io.jllm.quant.DType;
import io.jllm.spi.ActivationType;
import io.jllm.springai.JllmChatOptions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.document.MetadataMode;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * What can be set. What is not is as {@link io.jllm.LlmBuilder} has it.
 *
 * @param model a GGUF file, a Hugging Face folder, or a name that is fetched unless it is there: hf:owner/name, ms:owner/name
 * @param modelName what responses and metrics call the model; the name of its file if this is not set
 * @param backend the backend by name: cpu or cuda; the best that is available if this is not set
 * @param threads threads that compute; one for each physical core if this is not set
 * @param kernels a backend's name for a set of kernels
 * @param activations what quantised weights are multiplied by: auto or float
 * @param maxContext most tokens of a prompt and its answer
 * @param maxSequences most sequences that are computed at once
 * @param maxTokensPerStep most tokens that are computed at once
 * @param maxQueuedRequests most requests that may wait; more are refused, but for those of calls that block
 * @param kvCache most memory for keys and values
 * @param kvType how keys and values are stored: f32, f16, bf16, q8_0
 * @param gpuMemoryFraction the part of a GPU's memory that may be taken
 * @param prefixCache whether prompts that begin alike share what is computed
 * @param chat for spring.ai.jllm.chat
 * @param embedding for spring.ai.jllm.embedding
 */
@ConfigurationProperties("spring.ai.jllm")
public record JllmProperties(@Nullable String model, @Nullable String modelName, @Nullable String backend, @Nullable Integer threads,
                             @Nullable String kernels, @Nullable ActivationType activations, @Nullable Integer maxContext,
                             @Nullable Integer maxSequences, @Nullable Integer maxTokensPerStep, @Nullable Integer maxQueuedRequests,
                             @Nullable DataSize kvCache, @Nullable DType kvType, @Nullable Double gpuMemoryFraction, @Nullable Boolean prefixCache,
                             @DefaultValue Chat chat, @DefaultValue Embedding embedding) {
    /**
     * How prompts without options of their own are answered. What is not set is as the model's files recommend.
     *
     * @param temperature 0 takes the likeliest token
     * @param topK keep the k most likely tokens
     * @param topP keep the most likely tokens whose probabilities sum to p
     * @param minP keep tokens at least this times as likely as the most likely
     * @param maxTokens most tokens of an answer
     * @param stopSequences strings that end an answer
     * @param frequencyPenalty penalty of each occurrence in the answer
     * @param presencePenalty penalty of tokens in the answer
     * @param repetitionPenalty penalty of tokens in prompt or answer
     * @param seed same seed, same text
     * @param thinking whether the model thinks first, for templates with the variable enable_thinking
     * @param strictTools whether the arguments of calls obey the tools' schemas even where the model decides whether to call
     * @param priority who goes first where requests wait: lower numbers
     * @param timeout how long an answer may take
     * @param template a chat template instead of the model's, as text
     * @param fallbackTemplate a chat template for a model that has none, as text
     * @param answerFormat how the model writes reasoning and calls, where its template does not tell
     * @param nativeStructuredOutput whether entities of the application's ChatClient are bound by their schemas
     */
    public record Chat(@Nullable Double temperature, @Nullable Integer topK, @Nullable Double topP, @Nullable Double minP,
                       @Nullable Integer maxTokens, @Nullable List<String> stopSequences, @Nullable Double frequencyPenalty,
                       @Nullable Double presencePenalty, @Nullable Double repetitionPenalty, @Nullable Long seed,
                       @Nullable Boolean thinking, @Nullable Boolean strictTools, @Nullable Integer priority, @Nullable Duration timeout,
                       @Nullable String template, @Nullable String fallbackTemplate, @Nullable AnswerFormat answerFormat,
                       @DefaultValue("true") boolean nativeStructuredOutput) {
        JllmChatOptions options() {
            JllmChatOptions.Builder b = JllmChatOptions.builder().temperature(temperature).topK(topK).topP(topP).maxTokens(maxTokens)
                    .stopSequences(stopSequences).frequencyPenalty(frequencyPenalty).presencePenalty(presencePenalty).minP(minP)
                    .repetitionPenalty(repetitionPenalty).seed(seed).strictTools(strictTools).priority(priority).timeout(timeout);
            return thinking == null ? b.build() : b.thinking(thinking).build();
        }
    }

    /**
     * How vectors are made.
     *
     * @param pooling how a text's states become one vector: last, mean or cls; as the model's files say if this is not set
     * @param normalize whether vectors get the length 1
     * @param dimensions how many of the first numbers of a vector to keep
     * @param metadataMode what of a document's metadata stands before its text
     */
    public record Embedding(@Nullable Pooling pooling, @DefaultValue("true") boolean normalize, @Nullable Integer dimensions,
                            @DefaultValue("embed") MetadataMode metadataMode) {
        EmbeddingParams params() {
            return new EmbeddingParams(Optional.ofNullable(pooling), normalize,
                    dimensions == null ? OptionalInt.empty() : OptionalInt.of(dimensions));
        }
    }

    /** What the model is called. */
    String name() {
        if (modelName != null && !modelName.isBlank()) {
            return modelName;
        }
        String last = model == null ? "jllm" : model.replaceAll("[/\\\\]+$", "").replaceAll(".*[/\\\\]", "");
        return last.replaceAll("(?i)\\.gguf$", "");
    }
}
