package io.jllm;

import io.jllm.model.ModelConfig;
import io.jllm.spi.ModelRunner.MemoryReport;
import io.jllm.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.List;

/**
 * A loaded model and its engine. Safe for all threads, virtual ones too: every call joins one continuous batch.
 *
 * <p>{@snippet :
 * try (LLM llm = LLM.load(Path.of("model.gguf")).open()) {
 *     System.out.println(llm.generate("Once upon a time", SamplingParams.greedy()).text());
 * }
 * }
 *
 * <p>Results of a request that was accepted are values, failed ones too: see {@link RequestOutput#error}. Exceptions are for
 * misuse ({@link IllegalArgumentException}), for a closed LLM ({@link IllegalStateException}) and for loading.
 */
public interface LLM extends AutoCloseable {
    /** Prepares to load a GGUF file, or a Hugging Face folder (config.json, *.safetensors, tokenizer.json). Reads nothing yet. */
    static LlmBuilder load(Path model) {
        return new LlmBuilder(model);
    }

    /** Generates for each request and waits for all; results in the order of the requests, one for each. */
    List<RequestOutput> generate(List<Request> requests);

    /** Generates for each prompt with the same settings and waits for all; results in the order of the prompts. */
    default List<RequestOutput> generate(List<? extends Prompt> prompts, SamplingParams params) {
        return generate(prompts.stream().map(p -> new Request(p, params)).toList());
    }

    /** Generates for one text and waits. */
    default RequestOutput generate(String prompt, SamplingParams params) {
        return generate(List.of(Request.of(prompt, params))).getFirst();
    }

    /**
     * Searches for the most likely continuations of each prompt with beams and waits for all; results in the order of the prompts,
     * each with up to {@link BeamSearchParams#n} outputs, best first. A search that is cancelled gives what it had: finished texts
     * first, then running beams.
     */
    List<RequestOutput> beamSearch(List<? extends Prompt> prompts, BeamSearchParams params);

    /** Searches for the most likely continuations of one text and waits. */
    default RequestOutput beamSearch(String prompt, BeamSearchParams params) {
        return beamSearch(List.of(Prompt.of(prompt)), params).getFirst();
    }

    /** Starts a request and returns at once; its text comes through the stream. */
    TokenStream stream(Prompt prompt, SamplingParams params);

    /** Sampling settings that the model's authors recommend (generation_config.json), neutral where they say nothing. */
    SamplingParams defaults();

    /** The model's tokenizer; it lives as long as this LLM. */
    Tokenizer tokenizer();

    /** The model's numbers. */
    ModelConfig config();

    /** Most positions of one sequence here: the model's, or what the builder was told, if less. */
    int maxContext();

    /** One line: model, backend, device, threads, kernels, and why a better choice was not taken. */
    String describe();

    /** The kernels in use, as a user names them. */
    String kernels();

    /** Memory held now, in bytes. */
    MemoryReport memory();

    /** What the engine has done so far and has in hand. */
    EngineMetrics metrics();

    /** Forgets the prefixes that requests share: the next one computes its whole prompt. */
    void resetPrefixCache();

    /** Cancels what runs, waits for the engine, and gives all memory back. Calling it again does nothing. */
    @Override
    void close();
}
