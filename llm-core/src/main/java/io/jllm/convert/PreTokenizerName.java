package io.jllm.convert;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.jllm.ModelLoadException;
import io.jllm.json.JsonParts;
import io.jllm.tokenizer.pre.PreTokenizer;
import io.jllm.tokenizer.pre.SplitExpressions;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds the {@code tokenizer.ggml.pre} name of the pre-tokenizer in a {@code tokenizer.json}, by the regular expressions that it
 * splits by, where llama.cpp's converter goes by a hash of what it makes of a text. Source of the names, and of the expressions that they
 * stand for: llama.cpp ({@code llama-vocab.cpp}).
 */
final class PreTokenizerName {
    private static final Pattern ESCAPED = Pattern.compile("\\\\x\\{([0-9a-fA-F]+)}");
    /** English contractions in the words of most files. */
    private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private static final String PUNCTUATION_RUNS = "[\\p{P}\\$\\+<=>\\^~\\|`]+";
    private static final String BEFORE_WORD = "[^\\r\\n\\p{L}\\p{N}]?";
    private static final String SIGNS = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String BLOOM = " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+";
    private static final String DEEPSEEK_HAN = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+";

    /**
     * A name, and what a {@code tokenizer.json} of its kind splits by.
     *
     * @param exact whether llama.cpp splits so; if not, it does for texts in ASCII, and nearly so for others
     */
    private record Known(String name, boolean exact, List<String> expressions) {
        /** One that is written there as llama.cpp has it. */
        static Known same(String name) {
            return new Known(name, true, PreTokenizer.named(name).expressions().stream().map(PreTokenizerName::spelled).toList());
        }

        static Known as(String name, String... expressions) {
            return new Known(name, true, List.of(expressions));
        }

        static Known nearly(String name, String... expressions) {
            return new Known(name, false, List.of(expressions));
        }

        boolean ignoresMerges() {
            return PreTokenizer.named(name).whole() == PreTokenizer.Whole.ALL;
        }
    }

    /** Of several names that stand for the same, the one that is in most use. */
    private static final List<Known> KNOWN = List.of(Known.same("dbrx"), Known.same("gpt-2"), Known.same("jais-2"), Known.same("laguna"),
            Known.same("llama-bpe"), Known.same("minicpm5"), Known.same("qwen2"), Known.same("qwen35"), Known.same("seed-coder"),
            Known.same("smollm"), Known.same("deepseek-v3"),
            Known.as("falcon", PUNCTUATION_RUNS, SplitExpressions.GPT2, "\\p{N}+", "[0-9][0-9][0-9]"),
            Known.as("bloom", BLOOM), Known.as("viking", BLOOM, "\\p{N}"), Known.as("superbpe", "\\p{N}+", "(?=(\\d{3})+(?!\\d))"),
            Known.as("bailingmoe", "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]"
                    + "|\\s+(?!\\S)|\\s+"),
            Known.as("exaone-moe", CONTRACTIONS + "|" + BEFORE_WORD + "(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?"
                    + "|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"),
            Known.nearly("deepseek-coder", "[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", DEEPSEEK_HAN, "\\p{N}"),
            deepSeek("\\p{N}+"), deepSeek("\\p{N}"), // which are the same where no token has two digits
            Known.nearly("gpt-4o", cased("", CONTRACTIONS + "?") + "|\\p{N}{1,3}" + SIGNS),
            Known.nearly("tekken", cased("", "") + "|\\p{N}" + SIGNS),
            Known.nearly("tiny_aya", "\\d{1,3}(?=(?:\\d{3})*\\b)", cased("", CONTRACTIONS + "?") + "|\\p{N}{1,3}" + SIGNS),
            Known.nearly("youtu", PreTokenizer.named("youtu").expressions().getFirst(), cased("", CONTRACTIONS + "?") + "|\\p{N}" + SIGNS),
            Known.nearly("kimi-k2", "[\\p{Han}]+|" + cased("&&[^\\p{Han}]", CONTRACTIONS + "?") + "|\\p{N}{1,3}" + SIGNS.replace("/]*", "]*")));

    private PreTokenizerName() {
    }

    private static Known deepSeek(String digits) {
        return Known.nearly("deepseek-llm", "[\\r\\n]", spelled(PreTokenizer.named("deepseek-llm").expressions().get(1)),
                "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+", "\\s+$", DEEPSEEK_HAN, digits);
    }

    /** Words as capitals and what follows them, and what may follow these. */
    private static String cased(String but, String after) {
        String notLower = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}" + but + "]";
        String notUpper = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}" + but + "]";
        return BEFORE_WORD + notLower + "*" + notUpper + "+" + after + "|" + BEFORE_WORD + notLower + "+" + notUpper + "*" + after;
    }

    /**
     * The name.
     *
     * @param where the file, for messages
     * @param pre its {@code pre_tokenizer}
     * @param ignoreMerges {@code model.ignore_merges}
     * @param notes is told of texts that may become other tokens
     */
    static String of(String where, JsonElement pre, boolean ignoreMerges, Consumer<String> notes) {
        var expressions = new ArrayList<String>();
        if (!(pre instanceof JsonObject o) || !collect(o, expressions)) {
            throw unknown(where, String.valueOf(pre));
        }
        var meant = KNOWN.stream().filter(k -> k.expressions.equals(expressions)).toList();
        var known = meant.stream().filter(k -> k.ignoresMerges() == ignoreMerges).findFirst()
                .or(() -> meant.stream().findFirst()).orElseThrow(() -> unknown(where, expressions.toString()));
        if (!known.exact) {
            notes.accept(where + ": its pre_tokenizer is that of \"" + known.name + "\", which readers of GGUF files split by in a simpler way: "
                    + "texts with letters and marks outside ASCII may become other tokens");
        }
        if (known.ignoresMerges() != ignoreMerges) {
            notes.accept(where + ": ignore_merges is " + ignoreMerges + ", but tokenizer.ggml.pre \"" + known.name + "\" means "
                    + known.ignoresMerges() + ": words that merges do not make may become other tokens");
        }
        return known.name;
    }

    private static ModelLoadException unknown(String where, String what) {
        return new ModelLoadException(where + ": no tokenizer.ggml.pre name is known for its pre_tokenizer, " + what
                + "; known are those of " + String.join(", ", KNOWN.stream().map(Known::name).distinct().sorted().toList()));
    }

    /** Adds the expressions of a step; false if it is of an unknown kind. */
    private static boolean collect(JsonObject step, List<String> expressions) {
        var behavior = JsonParts.text(step, "behavior").orElse("");
        return switch (JsonParts.text(step, "type").orElse("")) {
            case "Sequence" -> JsonParts.list(step, "pretokenizers").stream()
                    .allMatch(s -> s instanceof JsonObject o && collect(o, expressions));
            case "ByteLevel" -> {
                if (!step.has("use_regex") || JsonParts.isTrue(step, "use_regex")) {
                    expressions.add(SplitExpressions.GPT2);
                }
                yield !JsonParts.isTrue(step, "add_prefix_space");
            }
            case "Digits" -> expressions.add(JsonParts.isTrue(step, "individual_digits") ? "\\p{N}" : "\\p{N}+");
            case "Punctuation" -> {
                expressions.add(PUNCTUATION_RUNS);
                yield behavior.equals("Contiguous");
            }
            case "Split" -> {
                var regex = JsonParts.object(step, "pattern").flatMap(p -> JsonParts.text(p, "Regex"));
                regex.map(PreTokenizerName::spelled).ifPresent(expressions::add);
                yield regex.isPresent() && (behavior.equals("Isolated") || behavior.equals("Removed") && JsonParts.isTrue(step, "invert"));
            }
            default -> false;
        };
    }

    /** One way of writing: contractions without regard to case, line breaks escaped, and other characters as they are. */
    private static String spelled(String regex) {
        var plain = ESCAPED.matcher(regex).replaceAll(m -> Matcher.quoteReplacement(Character.toString(Integer.parseInt(m.group(1), 16))));
        return plain.replace(SplitExpressions.CONTRACTIONS, CONTRACTIONS).replace("\r", "\\r").replace("\n", "\\n");
    }
}
