package io.jllm.load;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.SamplingParams;
import io.jllm.json.ConfigJson;
import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.quant.gguf.GgufValue.Type;
import io.jllm.json.EndIds;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Suggestions of a model's makers, sound or not. */
class SamplingDefaultsTest {
    private static SamplingParams of(String json) {
        return SamplingDefaults.of(ConfigJson.parse("generation_config.json", json));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {"temperature | -1", "temperature | 1e300", "temperature | \"NaN\"",
            "temperature | \"0.7\"",
        "temperature | [0.7]", "temperature | true", "top_p | -0.5", "top_p | 1.5", "top_p | \"x\"", "top_p | {}", "top_k | 0.5", "top_k | \"NaN\"",
        "min_p | 2",
        "min_p | -1e-3", "repetition_penalty | 0", "repetition_penalty | -1.1", "repetition_penalty | \"Infinity\"", "do_sample | \"yes\"",
        "do_sample | 1"})
    void whatCannotBeUsedIsIgnoredAndTheRestIsUsed(String key, String value) {
        var others = "\"temperature\": 0.5, \"top_k\": 7, \"top_p\": 0.75, \"min_p\": 0.25, \"repetition_penalty\": 1.5";
        var want = SamplingParams.builder().temperature(0.5).topK(7).topP(0.75).minP(0.25).repetitionPenalty(1.5);
        switch (key) {
            case "temperature" -> want.temperature(1);
            case "top_k" -> want.topK(0);
            case "top_p" -> want.topP(1);
            case "min_p" -> want.minP(0);
            case "repetition_penalty" -> want.repetitionPenalty(1);
            default -> { }
        }
        try (var warnings = new Warnings()) {
            assertEquals(want.build(), of("{" + others + ", \"" + key + "\": " + value + "}")); // the last of two equal keys counts
            warnings.one("generation_config.json: " + key + " is " + value + " and is ignored: ");
        }
    }

    @Test
    void soundValuesAreUsedInSilence() {
        try (var warnings = new Warnings()) {
            assertEquals(SamplingParams.builder().topK(0).temperature(0).build(), of("{\"top_k\": -1, \"temperature\": 0, \"top_p\": null}"));
            assertEquals(SamplingParams.builder().topK(Integer.MAX_VALUE).build(), of("{\"top_k\": 1e12, \"do_sample\": true}"));
            assertEquals(SamplingParams.builder().topK(40).build(), of("{\"top_k\": 40.0, \"do_sample\": null}"));
            assertEquals(SamplingParams.builder().temperature(0).repetitionPenalty(1.25).build(),
                    of("{\"do_sample\": false, \"temperature\": -5, \"repetition_penalty\": 1.25}"));
            warnings.none();
        }
    }

    private static SamplingParams of(Map<String, GgufValue> keys) {
        return SamplingDefaults.of("m.gguf", new GgufMetadata(keys));
    }

    @Test
    void keysOfGgufFiles() {
        var keys = new java.util.LinkedHashMap<String, GgufValue>();
        keys.put("general.sampling.temp", new GgufValue.Real(Type.FLOAT32, 0.5));
        keys.put("general.sampling.top_k", new GgufValue.Int(Type.UINT32, 0xffff_ffffL));
        keys.put("general.sampling.top_p", new GgufValue.Real(Type.FLOAT32, 2));
        keys.put("general.sampling.min_p", new GgufValue.Text(" 0.25 ")); // llama.cpp reads all of them from texts
        keys.put("general.sampling.penalty_repeat", new GgufValue.Bool(true));
        try (var warnings = new Warnings()) {
            assertEquals(SamplingParams.builder().temperature(0.5).topK(Integer.MAX_VALUE).minP(0.25).build(), of(keys));
            warnings.some("m.gguf: general.sampling.top_p is 2.0 and is ignored: ");
            warnings.some("m.gguf: general.sampling.penalty_repeat is ", " and is ignored: it must be a number");
        }
        keys.clear();
        keys.put("general.sampling.temp", new GgufValue.Real(Type.FLOAT64, Double.NaN));
        keys.put("general.sampling.top_k", new GgufValue.Text("many"));
        keys.put("general.sampling.penalty_repeat", new GgufValue.Int(Type.INT8, -1));
        try (var warnings = new Warnings()) {
            assertEquals(SamplingParams.neutral(), of(keys));
            warnings.some("temp is NaN");
            warnings.some("top_k is \"many\"");
            warnings.some("penalty_repeat is -1");
        }
    }

    private static Set<Integer> ends(String generation, String config) {
        return EndIds.of(generation.isEmpty() ? Optional.empty() : Optional.of(ConfigJson.parse("generation_config.json", generation)),
                ConfigJson.parse("config.json", config), 100);
    }

    @Test
    void endsThatAreTokens() {
        try (var warnings = new Warnings()) {
            assertEquals(Set.of(0, 99), ends("{\"eos_token_id\": [0, 99.0]}", "{\"eos_token_id\": 5}"));
            assertEquals(Set.of(5), ends("{}", "{\"eos_token_id\": 5}"));
            assertEquals(Set.of(5), ends("", "{\"eos_token_id\": [5]}"));
            assertEquals(Set.of(), ends("{\"eos_token_id\": null}", "{}"));
            warnings.none();
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {"-1", "100", "4294967295", "1e300", "0.5", "\"</s>\"", "true", "{}", "[null]",
            "[[7]]"})
    void endsThatAreNoneAreIgnored(String value) {
        try (var warnings = new Warnings()) {
            assertEquals(Set.of(5), ends("{\"eos_token_id\": " + value + "}", "{\"eos_token_id\": 5}"));
            warnings.one("generation_config.json: eos_token_id is " + value, "is ignored: the tokens of this model are 0 to 99");
        }
        try (var warnings = new Warnings()) {
            assertEquals(Set.of(), ends("", "{\"eos_token_id\": " + value + "}"));
            warnings.one("config.json: eos_token_id is " + value);
        }
        if (!value.startsWith("[")) {
            try (var warnings = new Warnings()) {
                assertEquals(Set.of(7), ends("{\"eos_token_id\": [7, " + value + "]}", "{}"));
                warnings.one("of which " + value);
            }
        }
    }
}
