package io.jllm.tokenizer.huggingface;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.tokenizer.subword.Pieces;
import io.jllm.tokenizer.subword.Words;
import io.jllm.tokenizer.split.Behavior;
import io.jllm.tokenizer.split.Expression;
import io.jllm.tokenizer.split.Finder;
import io.jllm.tokenizer.split.SplitStep;
import io.jllm.tokenizer.split.Splitting;
import java.lang.Character.UnicodeScript;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The {@code pre_tokenizer} of a {@code tokenizer.json}. Source: Hugging Face tokenizers ({@code pre_tokenizers/}). */
final class SplitSteps {
    /** GPT-2's, which ByteLevel applies. */
    private static final String GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    private static final String WORDS = "\\w+|[^\\w\\s]+";

    private SplitSteps() {
    }

    /** That of a tokenizer; without steps if it has none. */
    static Splitting of(ConfigJson tokenizer) {
        List<SplitStep> steps = new ArrayList<>();
        tokenizer.object("pre_tokenizer").ifPresent(p -> read(p, steps));
        return new Splitting(steps);
    }

    private static void read(ConfigJson json, List<SplitStep> steps) {
        String type = json.text("type").orElse("");
        switch (type) {
            case "Sequence" -> json.objects("pretokenizers").forEach(child -> read(child, steps));
            case "ByteLevel" -> byteLevel(json, steps);
            case "Split" -> steps.add(split(json));
            case "Metaspace" -> metaspace(json, steps);
            case "Digits" -> steps.add((json.bool("individual_digits").orElse(false) ? Behavior.ISOLATED : Behavior.CONTIGUOUS)
                    .of(Finder.each(Words::isNumeric)));
            case "Punctuation" -> steps.add(behavior(json).of(Finder.each(Words::isPunctuation)));
            case "Whitespace" -> steps.add(Behavior.REMOVED.of(Expression.of(WORDS).inverted()));
            case "WhitespaceSplit" -> steps.add(Behavior.REMOVED.of(Finder.each(Words::isSpace)));
            case "BertPreTokenizer" -> {
                steps.add(Behavior.REMOVED.of(Finder.each(Words::isSpace)));
                steps.add(Behavior.ISOLATED.of(Finder.each(Words::isPunctuation)));
            }
            case "CharDelimiterSplit" -> steps.add(Behavior.REMOVED.of(Finder.each(character(json, "delimiter"))));
            case "UnicodeScripts" -> steps.add(SplitSteps::scripts);
            default -> throw new ModelLoadException(json.name("type") + " is \"" + type + "\", which is not known here; known are "
                    + "BertPreTokenizer, ByteLevel, CharDelimiterSplit, Digits, Metaspace, Punctuation, Sequence, Split, UnicodeScripts, "
                    + "Whitespace, WhitespaceSplit");
        }
    }

    private static void byteLevel(ConfigJson json, List<SplitStep> steps) {
        if (json.bool("add_prefix_space").orElse(true)) {
            steps.add((text, first, sink) -> sink.piece(text.startsWith(" ") ? text : " " + text, first));
        }
        if (json.bool("use_regex").orElse(true)) {
            steps.add(Behavior.ISOLATED.of(Expression.of(GPT2)));
        }
        steps.add((text, first, sink) -> sink.piece(Pieces.written(text), first));
    }

    private static SplitStep split(ConfigJson json) {
        ConfigJson pattern = json.object("pattern").orElseThrow(() -> new ModelLoadException(json.name("pattern") + " is missing"));
        Optional<String> string = pattern.text("String");
        Finder finder = string.isPresent() && !string.get().isEmpty() ? Finder.each(string.get()) : expression(pattern);
        return behavior(json).of(json.bool("invert").orElse(false) ? finder.inverted() : finder);
    }

    /** The regular expression of a pattern. */
    static Expression expression(ConfigJson pattern) {
        String regex = pattern.text("Regex").or(() -> pattern.text("String")).orElseThrow(() -> new ModelLoadException(pattern.name("Regex")
                + " or String is missing"));
        try {
            return Expression.of(regex);
        } catch (IllegalArgumentException e) {
            throw new ModelLoadException(pattern.name("Regex") + ": " + e.getMessage(), e);
        }
    }

    private static Behavior behavior(ConfigJson json) {
        String name = json.text("behavior").orElse("Isolated");
        return switch (name) {
            case "Removed" -> Behavior.REMOVED;
            case "Isolated" -> Behavior.ISOLATED;
            case "Contiguous" -> Behavior.CONTIGUOUS;
            case "MergedWithPrevious" -> Behavior.MERGED_WITH_PREVIOUS;
            case "MergedWithNext" -> Behavior.MERGED_WITH_NEXT;
            default -> throw new ModelLoadException(json.name("behavior") + " is \"" + name + "\"; known are Contiguous, Isolated, "
                    + "MergedWithNext, MergedWithPrevious, Removed");
        };
    }

    private static String character(ConfigJson json, String key) {
        return json.text(key).filter(t -> !t.isEmpty() && t.codePointCount(0, t.length()) == 1)
                .orElseThrow(() -> new ModelLoadException(json.name(key) + " must be a single character"));
    }

    private static void metaspace(ConfigJson json, List<SplitStep> steps) {
        String mark = json.has("replacement") ? character(json, "replacement") : String.valueOf(Pieces.SPACE);
        String scheme = json.bool("add_prefix_space").orElse(true) ? json.text("prepend_scheme").orElse("always") : "never";
        if (!List.of("always", "first", "never").contains(scheme)) {
            throw new ModelLoadException(json.name("prepend_scheme") + " is \"" + scheme + "\"; known are always, first, never");
        }
        steps.add((text, first, sink) -> {
            String marked = text.replace(" ", mark);
            boolean prepends = scheme.equals("always") || scheme.equals("first") && first;
            sink.piece(prepends && !marked.startsWith(mark) ? mark + marked : marked, first);
        });
        if (json.bool("split").orElse(true)) {
            steps.add(Behavior.MERGED_WITH_NEXT.of(Finder.each(mark)));
        }
    }

    /** A piece for each stretch of one script: kana count as Han, a space as whatever stands before it; spaces at the start are left out. */
    private static void scripts(String text, boolean first, SplitStep.Sink sink) {
        int start = 0;
        UnicodeScript last = UnicodeScript.UNKNOWN;
        for (int at = 0; at < text.length(); ) {
            int c = text.codePointAt(at);
            UnicodeScript script = script(c);
            if (script != UnicodeScript.UNKNOWN && script != last) {
                if (last != UnicodeScript.UNKNOWN) {
                    sink.piece(text.substring(start, at), first && start == 0);
                }
                start = at;
                last = script;
            }
            at += Character.charCount(c);
        }
        if (last != UnicodeScript.UNKNOWN) {
            sink.piece(text.substring(start), first && start == 0);
        }
    }

    /** The script that counts, unknown for what takes that of its neighbours. */
    private static UnicodeScript script(int c) {
        UnicodeScript script = c == 0x30FC ? UnicodeScript.HAN : c == ' ' ? UnicodeScript.UNKNOWN : UnicodeScript.of(c);
        return script == UnicodeScript.HIRAGANA || script == UnicodeScript.KATAKANA ? UnicodeScript.HAN : script;
    }
}
