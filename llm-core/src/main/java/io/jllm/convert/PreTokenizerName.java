package io.jllm.convert;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.jllm.ModelLoadException;
import io.jllm.json.JsonParts;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Finds the {@code tokenizer.ggml.pre} name of the pre-tokenizer in a {@code tokenizer.json}, by the regular expressions that it
 * splits by. Source of the names: llama.cpp ({@code llama-vocab.cpp}).
 */
final class PreTokenizerName {
    private static final String GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";
    private static final String LLAMA3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String QWEN2 = LLAMA3.replace("{1,3}", "");

    /** The contractions of the two above, written out as some files do. */
    private static final Map<String, String> SPELLINGS = Map.of("(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])",
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)");

    private record Kind(List<String> expressions, boolean ignoreMerges) {
    }

    private static final Map<Kind, String> NAMES = Map.of(
            new Kind(List.of(GPT2), false), "gpt-2",
            new Kind(List.of("\\p{N}", GPT2), false), "smollm",
            new Kind(List.of(LLAMA3), true), "llama-bpe",
            new Kind(List.of(LLAMA3), false), "dbrx",
            new Kind(List.of(QWEN2), false), "qwen2");

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
        var found = NAMES.get(new Kind(expressions, ignoreMerges));
        if (found == null) {
            throw unknown(where, expressions + (ignoreMerges ? " with ignore_merges" : ""));
        }
        return found;
    }

    private static ModelLoadException unknown(String where, String what) {
        return new ModelLoadException(where + ": no tokenizer.ggml.pre name is known for its pre_tokenizer, " + what
                + "; known are those of " + String.join(", ", NAMES.values().stream().sorted().toList()));
    }

    /** Adds the expressions of a step; false if it is of an unknown kind. */
    private static boolean collect(JsonObject step, List<String> expressions) {
        return switch (JsonParts.text(step, "type").orElse("")) {
            case "Sequence" -> JsonParts.list(step, "pretokenizers").stream()
                    .allMatch(s -> s instanceof JsonObject o && collect(o, expressions));
            case "ByteLevel" -> {
                if (!step.has("use_regex") || JsonParts.isTrue(step, "use_regex")) {
                    expressions.add(GPT2);
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
        var out = regex;
        for (var e : SPELLINGS.entrySet()) {
            out = out.replace(e.getKey(), e.getValue());
        }
        return out;
    }
}
