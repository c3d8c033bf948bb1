package io.jllm.spark;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.jllm.SamplingParams;
import io.jllm.SamplingParamsBuilder;
import java.io.IOException;
import java.io.StringReader;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/** Settings of sampling in a JSON object, by the names that OpenAI's protocol and vLLM have for them. */
final class Parameters {
    /** What Gson tells programmers. */
    private static final String ADVICE = "Use JsonReader.setStrictness(Strictness.LENIENT) to accept ";

    private static final Map<String, BiConsumer<SamplingParamsBuilder, Given>> FIELDS = Map.ofEntries(
            Map.entry("temperature", (b, v) -> b.temperature(v.number())),
            Map.entry("top_p", (b, v) -> b.topP(v.number())),
            Map.entry("top_k", (b, v) -> b.topK(Math.max(v.integer(), 0))), // -1 keeps all, in vLLM
            Map.entry("min_p", (b, v) -> b.minP(v.number())),
            Map.entry("max_tokens", (b, v) -> b.maxTokens(v.integer())),
            Map.entry("min_tokens", (b, v) -> b.minTokens(v.integer())),
            Map.entry("repetition_penalty", (b, v) -> b.repetitionPenalty(v.number())),
            Map.entry("presence_penalty", (b, v) -> b.presencePenalty(v.number())),
            Map.entry("frequency_penalty", (b, v) -> b.frequencyPenalty(v.number())),
            Map.entry("stop", (b, v) -> b.stop(v.texts().toArray(String[]::new))),
            Map.entry("stop_token_ids", (b, v) -> b.stopTokenIds(v.integers())),
            Map.entry("ignore_eos", (b, v) -> b.ignoreEos(v.flag())),
            Map.entry("seed", (b, v) -> b.seed(v.whole())));

    private Parameters() {
    }

    /**
     * Settings with what a JSON text says of them changed.
     *
     * @throws IllegalArgumentException if it is no JSON object, or holds what is unknown or out of range
     */
    static SamplingParams read(String json, SamplingParams base) {
        JsonObject object = object(json, "the parameters are");
        SamplingParamsBuilder builder = base.toBuilder();
        for (Map.Entry<String, JsonElement> e : object.entrySet()) {
            BiConsumer<SamplingParamsBuilder, Given> field = FIELDS.get(e.getKey());
            if (field == null) {
                throw new IllegalArgumentException("there is no parameter " + e.getKey() + " here; there are "
                        + String.join(", ", FIELDS.keySet().stream().sorted().toList()));
            }
            if (!e.getValue().isJsonNull()) { // as to_json and people write what they leave open
                field.accept(builder, new Given(e.getKey(), e.getValue()));
            }
        }
        return builder.build();
    }

    /** An object, and nothing behind it. */
    static JsonObject object(String json, String what) {
        JsonElement parsed = parse(json, what);
        if (!parsed.isJsonObject()) {
            throw new IllegalArgumentException(what + " no JSON object: " + shown(parsed));
        }
        return parsed.getAsJsonObject();
    }

    static JsonElement parse(String json, String what) {
        try {
            var reader = new JsonReader(new StringReader(json));
            reader.setStrictness(Strictness.STRICT);
            JsonElement parsed = JsonParser.parseReader(reader);
            if (reader.peek() != JsonToken.END_DOCUMENT) {
                throw new IllegalArgumentException(what + " no JSON: there is more behind it");
            }
            return parsed;
        } catch (JsonParseException | IOException e) {
            String why = String.valueOf(e.getMessage()).lines().findFirst().orElse("").replace(ADVICE, "");
            throw new IllegalArgumentException(what + " no JSON: " + why, e);
        }
    }

    /** The beginning of a value, for messages. */
    static String shown(JsonElement value) {
        String text = value.toString();
        return text.length() <= 60 ? text : text.substring(0, 60) + "...";
    }

    private record Given(String name, JsonElement value) {
        private IllegalArgumentException wrong(String what) {
            return new IllegalArgumentException(name + " is " + shown(value) + "; it must be " + what);
        }

        double number() {
            if (value instanceof JsonPrimitive p && p.isNumber()) {
                return p.getAsDouble();
            }
            throw wrong("a number");
        }

        long whole() {
            try {
                if (value instanceof JsonPrimitive p && p.isNumber()) {
                    return new BigDecimal(p.getAsString()).longValueExact();
                }
            } catch (ArithmeticException | NumberFormatException _) {
                // told below
            }
            throw wrong("a whole number");
        }

        int integer() {
            long whole = whole();
            if (whole != (int) whole) {
                throw wrong("a whole number in " + Integer.MIN_VALUE + " to " + Integer.MAX_VALUE);
            }
            return (int) whole;
        }

        boolean flag() {
            if (value instanceof JsonPrimitive p && p.isBoolean()) {
                return p.getAsBoolean();
            }
            throw wrong("true or false");
        }

        List<String> texts() {
            var texts = new ArrayList<String>();
            for (JsonElement e : value.isJsonArray() ? value.getAsJsonArray() : List.of(value)) {
                if (!(e instanceof JsonPrimitive p && p.isString())) {
                    throw wrong("a string or an array of strings");
                }
                texts.add(p.getAsString());
            }
            return texts;
        }

        List<Integer> integers() {
            if (!value.isJsonArray()) {
                throw wrong("an array of token ids");
            }
            return value.getAsJsonArray().asList().stream().map(e -> new Given(name, e).integer()).toList();
        }
    }
}
