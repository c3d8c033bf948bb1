package io.jllm.server.generation;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.jllm.TokenLogprobs;
import io.jllm.server.json.Json;
import io.jllm.server.json.JsonBuilder;
import io.jllm.server.model.Lease;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Tokens as log-probabilities name them: their text, in which broken UTF-8 is U+FFFD; special ones as the vocabulary writes them.
 *
 * @param model whose tokens they are; it needs a tokenizer only where they are not named by their ids
 * @param byId whether they are named {@code token_id:ID} instead
 */
public record TokenTexts(Lease model, boolean byId) {
    private static final double LEAST = -9999; // for what has no probability at all, as OpenAI has it

    /** The text of a token. */
    public String of(int id) {
        return byId ? "token_id:" + id : model.tokenizer().isSpecial(id) ? model.tokenizer().token(id) : new String(bytes(id), StandardCharsets.UTF_8);
    }

    /** Its bytes. */
    private byte[] bytes(int id) {
        return model.tokenizer().isSpecial(id) ? model.tokenizer().token(id).getBytes(StandardCharsets.UTF_8) : model.tokenizer().bytes(id);
    }

    /** A log-probability that is a number in JSON. */
    public static double finite(float logprob) {
        return Math.max(logprob, LEAST);
    }

    /** As chats have it: {@code token}, {@code logprob}, {@code bytes}, {@code top_logprobs}. */
    public JsonArray content(List<TokenLogprobs> tokens) {
        var content = new JsonArray(tokens.size());
        for (TokenLogprobs t : tokens) {
            var top = new JsonArray();
            for (int i = 0; i < t.topIds().length; i++) {
                top.add(one(t.topIds()[i], t.topLogprobs()[i]).json());
            }
            content.add(one(t.id(), t.logprob()).put("top_logprobs", top).json());
        }
        return content;
    }

    private JsonBuilder one(int id, float logprob) {
        return Json.object().put("token", of(id)).put("logprob", Json.number(finite(logprob))).put("bytes", Json.array(bytes(id)));
    }

    /**
     * As completions have it: {@code tokens}, {@code token_logprobs}, {@code top_logprobs}, {@code text_offset}.
     *
     * @param alternatives whether there are any
     * @param offset of the first token in the text
     */
    public JsonObject completion(List<TokenLogprobs> tokens, boolean alternatives, int offset) {
        var texts = new JsonArray();
        var logprobs = new JsonArray();
        var tops = new JsonArray();
        var offsets = new ArrayList<Integer>();
        int at = offset;
        for (TokenLogprobs t : tokens) {
            String text = of(t.id());
            texts.add(text);
            logprobs.add(Float.isNaN(t.logprob()) ? Json.number(Float.NaN) : Json.number(finite(t.logprob())));
            tops.add(Float.isNaN(t.logprob()) ? new JsonObject() : top(t)); // by OpenAI's description no null, as token_logprobs may have it
            offsets.add(at);
            at += length(t);
        }
        return Json.object().put("tokens", texts).put("token_logprobs", logprobs)
                .put("top_logprobs", alternatives ? tops : Json.number(Float.NaN))
                .put("text_offset", Json.array(offsets.stream().mapToInt(Integer::intValue).toArray())).json();
    }

    /** How long a token's text is, as offsets count: in characters of Unicode. */
    public int length(TokenLogprobs token) {
        String text = of(token.id());
        return text.codePointCount(0, text.length());
    }

    /** The most likely tokens, and the one that is there. */
    private JsonObject top(TokenLogprobs t) {
        var top = new JsonObject();
        for (int i = 0; i < t.topIds().length; i++) {
            String text = of(t.topIds()[i]);
            if (!top.has(text)) { // of several that look alike, the most likely
                top.add(text, Json.number(finite(t.topLogprobs()[i])));
            }
        }
        if (!top.has(of(t.id()))) {
            top.add(of(t.id()), Json.number(finite(t.logprob())));
        }
        return top;
    }
}
