package io.jllm.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.LLM;
import io.jllm.ModelLoadException;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.convert.Converter;
import io.jllm.quant.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Adapters that are broken, belong to another model, or are of a kind that is not supported: each is refused, and says why. */
class RefusedAdaptersTest {
    @TempDir
    private Path temp;
    private LLM llm;

    @BeforeEach
    void open() throws IOException {
        llm = LLM.load(AdapterGoldens.model("llama", temp)).backend("reference").open();
    }

    @AfterEach
    void close() {
        llm.close();
    }

    private void refused(Path adapter, String... parts) {
        String said = assertThrows(ModelLoadException.class, () -> llm.adapters().load("it", adapter)).getMessage();
        for (String part : parts) {
            assertTrue(said.contains(part), said);
        }
        assertEquals(List.of(), llm.adapters().names());
    }

    private Path changed(String name, String key, String value) throws IOException {
        Path folder = AdapterGoldens.folder(name, temp);
        Path config = folder.resolve("adapter_config.json");
        JsonObject json = JsonParser.parseString(Files.readString(config)).getAsJsonObject();
        json.add(key, JsonParser.parseString(value));
        Files.writeString(config, json.toString());
        return folder;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            peft_type              | "IA3"                    | peft_type is IA3; supported is LORA
            peft_type              | "ADALORA"                | peft_type is ADALORA
            use_qalora             | true                     | use_qalora is true: this variant of LoRA is not supported
            use_bdlora             | {"a": 1}                 | use_bdlora is {"a":1}: this variant
            alora_invocation_tokens | [1, 2]                  | alora_invocation_tokens is [1,2]: this variant
            layer_replication      | [[0, 1], [0, 1]]         | layer_replication is
            target_parameters      | ["mlp.experts.gate_up_proj"] | target_parameters is
            arrow_config           | {"top_k": 2}             | arrow_config is
            init_lora_weights      | "pissa_niter_16"         | init_lora_weights is pissa_niter_16, which changes the base model
            init_lora_weights      | "loftq"                  | init_lora_weights is loftq
            r                      | 8                        | by adapter_config.json its rank is 8
            r                      | 0                        | r is 0
            rank_pattern           | {"v_proj": 2}            | by adapter_config.json its rank is 2
            rank_pattern           | {"(": 2}                 | rank_pattern holds the regular expression
            alpha_pattern          | {"[a-z0-9_.]*[a-z0-9_.]*[a-z0-9_.]*[a-z0-9_.]*[a-z0-9_.]*[a-z0-9_.]*[a-z0-9_.]*[a-z0-9_.]*[a-z0-9_.]*!": 2} | takes more than 1000000 looks
            alpha_pattern          | {"v_proj": "x"}          | must be a number, is "x"
            lora_alpha             | 1e999                    | lora_alpha is Infinity
            use_dora               | true                     | has no magnitude, but use_dora is true
            target_modules         | ["o_proj"]               | is none of
            target_modules         | ".*\\\\.mlp\\\\..*"          | is none of
            """)
    void configurations(String key, String value, String said) throws IOException {
        refused(changed("qv", key, value), said);
    }

    /** What training alone needs, or says the same in another way, changes nothing. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            lora_dropout      | 0.5
            init_lora_weights | "gaussian"
            init_lora_weights | "eva"
            corda_config      | {}
            target_modules    | "all-linear"
            target_modules    | ".*\\\\.[qv]_proj"
            target_modules    | ["self_attn.q_proj", "model.layers.0.self_attn.v_proj", "layers.1.self_attn.v_proj"]
            """)
    void otherConfigurations(String key, String value) throws IOException {
        llm.adapters().load("it", changed("qv", key, value));
        assertEquals(List.of("it"), llm.adapters().names());
    }

    @Test
    void magnitudesWithoutDora() throws IOException {
        refused(changed("dora", "use_dora", "false"), "has a magnitude, but use_dora is not true");
    }

    @Test
    void tokensWithoutNumbers() throws IOException {
        refused(changed("tokens", "trainable_token_indices", "[3, 7]"), "3 x 32 numbers for 2 tokens of 32");
    }

    @Test
    void tokensThatTheModelLacks() throws IOException {
        refused(changed("tokens", "trainable_token_indices", "{\"embed_tokens\": [3, 7, 64], \"lm_head\": [5, 60]}"), "must differ and be from 0 to 63");
    }

    @Test
    void otherModels() throws IOException {
        refused(AdapterGoldens.folder("gpt2-all", temp), "is no matrix, embedding table or norm of this model", "the model that the adapter was");
        refused(AdapterGoldens.folder("bias-all", temp), "has a bias, but the model's has none");
    }

    @Test
    void missingFiles() throws IOException {
        refused(temp.resolve("nowhere"), "there is no file");
        refused(AdapterGoldens.model("llama", temp), "has no adapter_config.json");
        Path folder = AdapterGoldens.folder("qv", temp);
        Files.delete(folder.resolve("adapter_model.safetensors"));
        refused(folder, "neither adapter_model.safetensors nor adapter_model.bin");
    }

    @Test
    void modelsAreNoAdapters() throws IOException {
        Path file = temp.resolve("model.gguf");
        Converter.convert(AdapterGoldens.model("llama", temp), file,
                Converter.Options.of(DType.F32), Converter.Progress.NONE);
        refused(file, "is no adapter: general.type is");
    }

    @Test
    void unknownNamesFailTheirRequestAlone() {
        var params = AdapterGoldens.greedy(1).build();
        var outputs = llm.generate(List.of(new Request(Prompt.ofTokens(1), params).adapter("sql"), new Request(Prompt.ofTokens(1), params)));
        String said = outputs.getFirst().error().orElseThrow().getMessage();
        assertTrue(said.contains("there is no adapter \"sql\"; none is loaded: load it with LlmBuilder.adapter or LLM.adapters"), said);
        assertTrue(outputs.getLast().error().isEmpty());
    }

    @Test
    void aModelWhoseAdapterFailsIsClosed() throws IOException {
        Path folder = changed("qv", "peft_type", "\"VERA\"");
        var load = LLM.load(AdapterGoldens.model("llama", temp)).backend("reference").adapter("it", folder);
        assertTrue(assertThrows(ModelLoadException.class, load::open).getMessage().contains("VERA"));
    }
}
