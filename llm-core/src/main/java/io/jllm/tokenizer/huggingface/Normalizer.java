package io.jllm.tokenizer.huggingface;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.tokenizer.subword.Pieces;
import io.jllm.tokenizer.subword.Words;
import io.jllm.tokenizer.split.Expression;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.function.UnaryOperator;

/**
 * The {@code normalizer} of a {@code tokenizer.json}: what a text becomes before it is cut. Source: Hugging Face tokenizers
 * ({@code normalizers/}).
 */
record Normalizer(List<Step> steps) {
    /** Does nothing. */
    static final Normalizer NONE = new Normalizer(List.of());

    /**
     * A step.
     *
     * @param leavesOut characters that leave no trace, where they stand first
     */
    record Step(UnaryOperator<String> change, IntPredicate leavesOut) {
        Step(UnaryOperator<String> change) {
            this(change, _ -> false);
        }
    }

    /** A normalized text, and whether its start is that of the whole text. */
    record Normalized(String text, boolean first) {
    }

    /** What {@code do_nmt} there leaves out, and what it makes a space. */
    private static final IntPredicate NMT_DROPPED = c -> c >= 1 && c <= 8 || c == 0x0B || c >= 0x0E && c <= 0x1F || c == 0x7F || c == 0x8F
            || c == 0x9F;
    private static final IntPredicate NMT_SPACE = c -> c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680
            || c >= 0x200B && c <= 0x200F || c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;

    /** That of a tokenizer; without steps if it has none. */
    static Normalizer of(ConfigJson tokenizer) {
        List<Step> steps = new ArrayList<>();
        tokenizer.object("normalizer").ifPresent(n -> read(n, steps));
        return new Normalizer(List.copyOf(steps));
    }

    private static void read(ConfigJson json, List<Step> steps) {
        String type = json.text("type").orElse("");
        switch (type) {
            case "Sequence" -> json.objects("normalizers").forEach(child -> read(child, steps));
            case "NFC" -> steps.add(form(Form.NFC));
            case "NFD" -> steps.add(form(Form.NFD));
            case "NFKC" -> steps.add(form(Form.NFKC));
            case "NFKD" -> steps.add(form(Form.NFKD));
            case "Lowercase" -> steps.add(new Step(Words::lowerCase));
            case "StripAccents" -> steps.add(without(Words::isMark));
            case "Nmt" -> {
                steps.add(without(NMT_DROPPED));
                steps.add(new Step(text -> spaces(text, NMT_SPACE)));
            }
            case "ByteLevel" -> steps.add(new Step(Pieces::written));
            case "Strip" -> steps.add(strip(json.bool("strip_left").orElse(false), json.bool("strip_right").orElse(false)));
            case "Prepend" -> {
                String prefix = json.text("prepend").orElse("");
                steps.add(new Step(text -> text.isEmpty() ? text : prefix + text));
            }
            case "Precompiled" -> steps.add(new Step(PrecompiledStep.of(json)));
            case "Replace" -> steps.add(replace(json));
            case "BertNormalizer" -> bert(json, steps);
            default -> throw new ModelLoadException(json.name("type") + " is \"" + type + "\", which is not known here; known are "
                    + "BertNormalizer, ByteLevel, Lowercase, NFC, NFD, NFKC, NFKD, Nmt, Precompiled, Prepend, Replace, Sequence, Strip, "
                    + "StripAccents");
        }
    }

    private static Step form(Form form) {
        return new Step(text -> java.text.Normalizer.normalize(text, form));
    }

    private static Step without(IntPredicate kind) {
        return new Step(text -> {
            var kept = new StringBuilder(text.length());
            text.codePoints().filter(kind.negate()).forEach(kept::appendCodePoint);
            return kept.toString();
        }, kind);
    }

    private static String spaces(String text, IntPredicate kind) {
        var result = new StringBuilder(text.length());
        text.codePoints().forEach(c -> result.appendCodePoint(kind.test(c) ? ' ' : c));
        return result.toString();
    }

    private static Step strip(boolean left, boolean right) {
        return new Step(text -> {
            int start = 0;
            int end = text.length();
            while (left && start < end && Words.isSpace(text.charAt(start))) {
                start++;
            }
            while (right && end > start && Words.isSpace(text.charAt(end - 1))) {
                end--;
            }
            return text.substring(start, end);
        }, c -> left && Words.isSpace(c));
    }

    private static Step replace(ConfigJson json) {
        String content = json.text("content").orElseThrow(() -> new ModelLoadException(json.name("content") + " is missing"));
        ConfigJson pattern = json.object("pattern").orElseThrow(() -> new ModelLoadException(json.name("pattern") + " is missing"));
        Optional<String> string = pattern.text("String");
        if (string.isPresent() && !string.get().isEmpty()) {
            return new Step(text -> text.replace(string.get(), content));
        }
        Expression expression = SplitSteps.expression(pattern);
        return new Step(text -> expression.replaceAll(text, content));
    }

    private static void bert(ConfigJson json, List<Step> steps) {
        boolean lower = json.bool("lowercase").orElse(true);
        if (json.bool("clean_text").orElse(true)) {
            steps.add(without(c -> c == 0 || c == 0xFFFD || Words.isOther(c) && c != '\t' && c != '\n' && c != '\r'));
            steps.add(new Step(text -> spaces(text, Words::isSpace)));
        }
        if (json.bool("handle_chinese_chars").orElse(true)) {
            steps.add(new Step(text -> {
                var result = new StringBuilder(text.length());
                text.codePoints().forEach(c -> {
                    if (Words.isChinese(c)) {
                        result.append(' ').appendCodePoint(c).append(' ');
                    } else {
                        result.appendCodePoint(c);
                    }
                });
                return result.toString();
            }));
        }
        if (json.bool("strip_accents").orElse(lower)) {
            steps.add(form(Form.NFD));
            steps.add(without(c -> Character.getType(c) == Character.NON_SPACING_MARK));
        }
        if (lower) {
            steps.add(new Step(Words::lowerCase));
        }
    }

    /** @param first whether the whole text begins with it */
    Normalized apply(String text, boolean first) {
        String result = text;
        boolean begins = first;
        for (Step step : steps) {
            begins &= result.isEmpty() || !step.leavesOut.test(result.codePointAt(0));
            result = step.change.apply(result);
        }
        return new Normalized(result, begins);
    }
}
