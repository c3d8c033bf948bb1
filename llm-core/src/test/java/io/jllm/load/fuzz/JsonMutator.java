package io.jllm.load.fuzz;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** Changes values of a JSON text and leaves it one, most of the time. */
final class JsonMutator {
    private static final String[] NUMBERS = {"0", "-1", "1", "2", "3", "7", "1.5", "-0.0", "1e-40", "1e39", "1e400", "255", "256", "65536", "1000000",
        "2147483647", "2147483648", "4294967296", "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e99999"};
    private static final String[] TEXTS = {"", " ", "\0", "a", "\ud800", "\u2581", "\u0120", "<0x41>", "<0xGG>", "<|x|>", "null", "llama", "../x", "(", "[",
        "(?i)", "\\p{L}+", "\\p{XX}", "a{1000000000}", "(a*)*b", "(?<n>a)\\k<n>", "{{", "{% for x in x %}", "default", "linear", "yarn", "F32", "F8_E4M3",
        "BOOL", "ByteLevel", "Sequence", "BPE", "Unigram", "WordPiece", "Replace", "Split", "Metaspace", "\ud83d\ude00\u0301"};

    private final RandomGenerator random;

    JsonMutator(RandomGenerator random) {
        this.random = random;
    }

    /** A changed text; the same if it is none. */
    String mutate(String json) {
        JsonElement root;
        try {
            root = JsonParser.parseString(json);
        } catch (RuntimeException _) {
            return json;
        }
        var places = new ArrayList<JsonElement>();
        collect(root, places);
        if (places.isEmpty()) {
            return json;
        }
        // large tables would otherwise hide all else: half of the time, one of the outer ones
        JsonElement place = places.get(random.nextInt(random.nextBoolean() ? places.size() : Math.min(places.size(), 40)));
        switch (place) {
            case JsonObject o -> change(o, root);
            case JsonArray a -> change(a, root);
            default -> { }
        }
        return root.toString();
    }

    /** All objects and arrays that hold something, the outermost first. */
    private static void collect(JsonElement root, List<JsonElement> places) {
        var next = new ArrayList<>(List.of(root));
        for (int i = 0; i < next.size(); i++) {
            switch (next.get(i)) {
                case JsonObject o when !o.isEmpty() -> {
                    places.add(o);
                    next.addAll(o.asMap().values());
                }
                case JsonArray a when !a.isEmpty() -> {
                    places.add(a);
                    next.addAll(a.asList());
                }
                default -> { }
            }
        }
    }

    private void change(JsonObject o, JsonElement root) {
        var keys = new ArrayList<>(o.keySet());
        String key = keys.get(random.nextInt(keys.size()));
        switch (random.nextInt(6)) {
            case 0 -> o.remove(key);
            case 1 -> o.add(keys.get(random.nextInt(keys.size())), o.get(key).deepCopy());
            case 2 -> {
                JsonElement value = o.remove(key);
                o.add(random.nextBoolean() ? text() : key + text(), value);
            }
            default -> o.add(key, value(o.get(key), root));
        }
    }

    private void change(JsonArray a, JsonElement root) {
        int i = random.nextInt(a.size());
        switch (random.nextInt(6)) {
            case 0 -> a.remove(i);
            case 1 -> a.add(a.get(i).deepCopy());
            case 2 -> a.set(random.nextInt(a.size()), a.get(i).deepCopy());
            default -> a.set(i, value(a.get(i), root));
        }
    }

    /** Of the same kind three times out of four. */
    private JsonElement value(JsonElement old, JsonElement root) {
        boolean same = random.nextInt(4) > 0;
        if (same && old instanceof JsonPrimitive p && p.isNumber()) {
            // near what it was, or anything
            return new JsonPrimitive(random.nextInt(3) == 0 ? new BigDecimal(p.getAsString()).add(BigDecimal.valueOf(random.nextInt(-2, 3)))
                    : number());
        }
        if (same && old instanceof JsonPrimitive p && p.isString()) {
            String s = p.getAsString();
            int cut = random.nextInt(s.length() + 1);
            return new JsonPrimitive(switch (random.nextInt(4)) {
                case 0 -> s.substring(0, cut);
                case 1 -> s.substring(0, cut) + text() + s.substring(cut);
                case 2 -> s + s;
                default -> text();
            });
        }
        if (same && old instanceof JsonPrimitive p) {
            return new JsonPrimitive(!p.getAsBoolean());
        }
        return switch (random.nextInt(8)) {
            case 0 -> JsonNull.INSTANCE;
            case 1 -> new JsonPrimitive(random.nextBoolean());
            case 2 -> new JsonPrimitive(text());
            case 3 -> new JsonArray();
            case 4 -> new JsonObject();
            case 5 -> deep();
            case 6 -> root.toString().length() < 20_000 ? root.deepCopy() : JsonNull.INSTANCE;
            default -> new JsonPrimitive(number());
        };
    }

    private BigDecimal number() {
        return new BigDecimal(NUMBERS[random.nextInt(NUMBERS.length)]);
    }

    private String text() {
        return TEXTS[random.nextInt(TEXTS.length)];
    }

    private JsonElement deep() {
        JsonElement e = new JsonPrimitive(1);
        for (int i = random.nextInt(200); i > 0; i--) {
            var a = new JsonArray();
            a.add(e);
            e = a;
        }
        return e;
    }
}
