package io.jllm.server.generation;

import io.jllm.LLM;
import io.jllm.SamplingParamsBuilder;
import io.jllm.server.json.BadField;
import io.jllm.server.json.Field;
import io.jllm.server.model.Lease;
import java.util.List;
import java.util.Map;

/**
 * How to generate, from the fields that requests of OpenAI's protocols have in common, and those that vLLM adds. What a request does not say is as
 * the model's authors recommend it.
 */
public final class SamplingFields {
    /** Most alternatives for a token. */
    public static final int MAX_LOGPROBS = 20;

    private static final int MAX_STOPS = 64;
    private static final double MAX_TEMPERATURE = 100;
    private static final double MAX_BIAS = 100;
    private static final double MAX_PENALTY = 100;

    /** What would change the text, and is not there. */
    private static final Map<String, String> UNSUPPORTED = Map.of(
            "use_beam_search", "leave it out: answers are drawn",
            "include_stop_str_in_output", "leave it out: stop strings are not part of the text",
            "bad_words", "ban tokens by logit_bias",
            "logits_processors", "use logit_bias, or a constraint such as structured_outputs",
            "truncate_prompt_tokens", "shorten the prompt",
            "documents", "put them into a message",
            "functions", "use tools",
            "function_call", "use tool_choice",
            "web_search_options", "leave it out",
            "audio", "only text is generated");

    private SamplingFields() {
    }

    /** A builder with all that a request says of the model and of sampling, but for lengths, {@code n} and log-probabilities. */
    public static SamplingParamsBuilder read(Field body, Lease model) {
        refuse(body);
        SamplingParamsBuilder b = model.llm().defaults().toBuilder();
        model.adapter().ifPresent(b::adapter);
        body.get("temperature").number(0, MAX_TEMPERATURE).ifPresent(b::temperature);
        body.get("top_p").number(0, 1).ifPresent(b::topP);
        body.get("top_k").integer(-1, Integer.MAX_VALUE).ifPresent(k -> b.topK(Math.max(k, 0)));
        body.get("min_p").number(0, 1).ifPresent(b::minP);
        body.get("repetition_penalty").number(1e-3, MAX_PENALTY).ifPresent(b::repetitionPenalty);
        body.get("presence_penalty").number(-2, 2).ifPresent(b::presencePenalty);
        body.get("frequency_penalty").number(-2, 2).ifPresent(b::frequencyPenalty);
        body.get("seed").whole(Long.MIN_VALUE, Long.MAX_VALUE).ifPresent(b::seed);
        b.stop(stops(body.get("stop")).toArray(String[]::new));
        if (!body.get("stop_token_ids").isMissing()) {
            b.stopTokenIds(tokens(body.get("stop_token_ids")));
        }
        if (!body.get("allowed_token_ids").isMissing()) {
            b.allowedTokenIds(tokens(body.get("allowed_token_ids")));
        }
        b.ignoreEos(body.get("ignore_eos").isTrue());
        bias(body.get("logit_bias"), b);
        body.get("priority").integer(Integer.MIN_VALUE, Integer.MAX_VALUE).ifPresent(b::priority);
        body.get("cache_salt").optionalText().ifPresent(b::cacheSalt);
        return b;
    }

    private static void refuse(Field body) {
        UNSUPPORTED.forEach((name, instead) -> {
            Field field = body.get(name);
            boolean off = field.isMissing() || field.isList() && field.list().isEmpty()
                    || field.json().isJsonPrimitive() && field.json().getAsString().matches("false|none|auto");
            if (!off) {
                throw field.unsupported(instead);
            }
        });
    }

    /** Most tokens to generate, and fewest. */
    public static void lengths(Field most, Field fewest, int context, SamplingParamsBuilder b) {
        most.integer(0, Integer.MAX_VALUE).ifPresent(b::maxTokens);
        fewest.integer(0, most.isMissing() ? context : most.integer(0, Integer.MAX_VALUE).orElse(context)).ifPresent(b::minTokens);
    }

    /** A string or an array of strings. */
    public static List<String> stops(Field stop) {
        List<Field> given = stop.isText() ? List.of(stop) : stop.list();
        if (given.size() > MAX_STOPS) {
            throw stop.wrong("at most " + MAX_STOPS + " strings");
        }
        List<String> texts = given.stream().map(Field::text).toList();
        if (texts.contains("")) {
            throw stop.wrong("strings that are not empty");
        }
        return texts;
    }

    /** Token ids. */
    public static List<Integer> tokens(Field field) {
        return field.list().stream().map(f -> f.integer(0, Integer.MAX_VALUE).orElseThrow(() -> f.wrong("a token id"))).toList();
    }

    private static void bias(Field bias, SamplingParamsBuilder b) {
        for (String key : bias.keys()) {
            Field value = bias.get(key);
            double number = value.number(-MAX_BIAS, MAX_BIAS).orElseThrow(() -> value.wrong("a number"));
            try {
                // OpenAI: -100 bans a token
                b.logitBias(Integer.parseUnsignedInt(key), number == -MAX_BIAS ? Double.NEGATIVE_INFINITY : number);
            } catch (NumberFormatException _) {
                throw new BadField(bias.name(), bias.name() + " has the name " + key + ", which is no token id");
            }
        }
    }
}
