package io.jllm.tokenizer.source;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.jllm.json.ConfigJson;
import java.nio.file.Path;

/** Byte-level BPE in the form of a {@code tokenizer.json}. */
final class ByteLevelJson {
    private ByteLevelJson() {
    }

    /**
     * One without added tokens.
     *
     * @param file for messages
     * @param vocab ids by tokens
     * @param merges pairs with a space between, best first
     * @param whole whether pieces that are tokens are taken whole
     * @param expression what texts are cut by; GPT-2's if it is empty
     * @param prefix whether a space goes before a text
     * @param composes whether texts are brought into the form NFC
     */
    static ConfigJson of(Path file, JsonObject vocab, JsonArray merges, boolean whole, String expression, boolean prefix, boolean composes) {
        var model = typed("BPE");
        model.add("vocab", vocab);
        model.add("merges", merges);
        model.addProperty("ignore_merges", whole);
        var bytes = typed("ByteLevel");
        bytes.addProperty("add_prefix_space", prefix);
        bytes.addProperty("use_regex", expression.isEmpty());
        var steps = new JsonArray();
        if (!expression.isEmpty()) {
            var split = typed("Split");
            var pattern = new JsonObject();
            pattern.addProperty("Regex", expression);
            split.add("pattern", pattern);
            split.addProperty("behavior", "Isolated");
            steps.add(split);
        }
        steps.add(bytes);
        var sequence = typed("Sequence");
        sequence.add("pretokenizers", steps);
        var root = new JsonObject();
        if (composes) {
            root.add("normalizer", typed("NFC"));
        }
        root.add("pre_tokenizer", sequence);
        root.add("decoder", typed("ByteLevel"));
        root.add("model", model);
        return ConfigJson.of(file.toString(), root);
    }

    private static JsonObject typed(String type) {
        var json = new JsonObject();
        json.addProperty("type", type);
        return json;
    }
}
