package io.jllm.tokenizer.huggingface;

import com.google.gson.JsonArray;
import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** What the {@code post_processor} of a {@code tokenizer.json} puts before and after one sequence: ids. */
record PostProcessor(int[] before, int[] after) {
    private static final PostProcessor NOTHING = new PostProcessor(new int[0], new int[0]);

    static PostProcessor of(ConfigJson tokenizer, HuggingFaceVocabulary vocabulary) {
        return tokenizer.object("post_processor").map(p -> read(p, vocabulary)).orElse(NOTHING);
    }

    private static PostProcessor read(ConfigJson json, HuggingFaceVocabulary vocabulary) {
        String type = json.text("type").orElse("");
        return switch (type) {
            case "ByteLevel" -> NOTHING; // trims offsets only
            case "TemplateProcessing" -> template(json);
            case "BertProcessing", "RobertaProcessing" -> new PostProcessor(pair(json, "cls", vocabulary), pair(json, "sep", vocabulary));
            case "Sequence" -> json.objects("processors").stream().map(p -> read(p, vocabulary)).reduce(NOTHING, PostProcessor::then);
            default -> throw new ModelLoadException(json.name("type") + " is \"" + type + "\", which is not known here; known are "
                    + "BertProcessing, ByteLevel, RobertaProcessing, Sequence, TemplateProcessing");
        };
    }

    boolean addsNothing() {
        return before.length == 0 && after.length == 0;
    }

    /** What is put around a sequence by this, and then around the whole by another. */
    private PostProcessor then(PostProcessor outer) {
        return new PostProcessor(IntStream.concat(IntStream.of(outer.before), IntStream.of(before)).toArray(),
                IntStream.concat(IntStream.of(after), IntStream.of(outer.after)).toArray());
    }

    private static PostProcessor template(ConfigJson json) {
        List<Integer> before = new ArrayList<>();
        List<Integer> after = new ArrayList<>();
        List<Integer> side = before;
        Optional<ConfigJson> tokens = json.object("special_tokens");
        for (ConfigJson part : json.objects("single")) {
            if (part.hasObject("Sequence")) {
                side = after;
                continue;
            }
            String name = part.object("SpecialToken").flatMap(t -> t.text("id")).orElseThrow(() -> new ModelLoadException(
                    json.name("single") + " must hold objects with SpecialToken or Sequence"));
            ConfigJson token = tokens.flatMap(t -> t.object(name)).orElseThrow(() -> new ModelLoadException(
                    json.name("special_tokens") + " lacks \"" + name + "\", which single names"));
            for (long id : token.integers("ids")) {
                side.add(id(token.name("ids"), id));
            }
        }
        return new PostProcessor(before.stream().mapToInt(i -> i).toArray(), after.stream().mapToInt(i -> i).toArray());
    }

    private static int id(String where, long id) {
        if (id < 0 || id > Integer.MAX_VALUE) {
            throw new ModelLoadException(where + " holds " + id + ": ids begin at 0");
        }
        return (int) id;
    }

    /** {@code ["[CLS]", 101]}: the token says all. */
    private static int[] pair(ConfigJson json, String key, HuggingFaceVocabulary vocabulary) {
        if (json.json().get(key) instanceof JsonArray a && a.size() == 2 && a.get(0).isJsonPrimitive()) {
            String token = a.get(0).getAsString();
            return new int[] {vocabulary.id(token).orElseThrow(() -> new ModelLoadException(
                    json.name(key) + " names \"" + token + "\", which is no token"))};
        }
        throw new ModelLoadException(json.name(key) + " must be a token and its id");
    }
}
