package io.jllm.convert;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.jllm.ModelLoadException;
import io.jllm.json.JsonParts;
import io.jllm.tokenizer.subword.PreTokenizer;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds the {@code tokenizer.ggml.pre} name of the pre-tokenizer in a {@code tokenizer.json}, by the regular expressions that it
 * splits by. Source of the names: llama.cpp ({@code llama-vocab.cpp}).
 */
final class PreTokenizerName {
    /** Those that are written, of the table that GGUF files are read by. */
    private static final List<String> NAMES = List.of("dbrx", "gpt-2", "llama-bpe", "qwen2", "smollm");
    /** The same contractions in the words of other files. */
    private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

    private PreTokenizerName() {
    }

    /**
     * The name.
     *
     * @param where the file, for messages
     * @param pre its {@code pre_tokenizer}
     * @param ignoreMerges {@code model.ignore_merges}
     */
    static String of(String where, JsonElement pre, boolean ignoreMerges) {
        var expressions = new ArrayList<String>();
        if (!(pre instanceof JsonObject o) || !collect(o, expressions)) {
            throw unknown(where, String.valueOf(pre));
        }
        return NAMES.stream().filter(name -> isMeant(PreTokenizer.named(name), expressions, ignoreMerges)).findFirst()
                .orElseThrow(() -> unknown(where, expressions + (ignoreMerges ? " with ignore_merges" : "")));
    }

    private static boolean isMeant(PreTokenizer known, List<String> expressions, boolean ignoreMerges) {
        return known.ignoreMerges() == ignoreMerges
                && known.expressions().stream().map(PreTokenizerName::spelled).toList().equals(expressions);
    }

    private static ModelLoadException unknown(String where, String what) {
        return new ModelLoadException(where + ": no tokenizer.ggml.pre name is known for its pre_tokenizer, " + what
                + "; known are those of " + String.join(", ", NAMES));
    }

    /** Adds the expressions of a step; false if it is of an unknown kind. */
    private static boolean collect(JsonObject step, List<String> expressions) {
        return switch (JsonParts.text(step, "type").orElse("")) {
            case "Sequence" -> JsonParts.list(step, "pretokenizers").stream()
                    .allMatch(s -> s instanceof JsonObject o && collect(o, expressions));
            case "ByteLevel" -> {
                if (!step.has("use_regex") || JsonParts.isTrue(step, "use_regex")) {
                    expressions.add(PreTokenizer.GPT2);
                }
                yield !JsonParts.isTrue(step, "add_prefix_space");
            }
            case "Digits" -> {
                expressions.add("\\p{N}");
                yield JsonParts.isTrue(step, "individual_digits");
            }
            case "Split" -> {
                var regex = JsonParts.object(step, "pattern").flatMap(p -> JsonParts.text(p, "Regex"));
                regex.map(PreTokenizerName::spelled).ifPresent(expressions::add);
                yield regex.isPresent() && (JsonParts.text(step, "behavior").orElse("").equals("Isolated")
                        || JsonParts.text(step, "behavior").orElse("").equals("Removed") && JsonParts.isTrue(step, "invert"));
            }
            default -> false;
        };
    }

    private static String spelled(String regex) {
        return regex.replace(PreTokenizer.CONTRACTIONS, CONTRACTIONS);
    }
}
