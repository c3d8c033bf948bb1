package io.jllm.tokenizer;

import io.jllm.ModelLoadException;
import io.jllm.model.source.ConfigJson;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * How the tokens of a {@code tokenizer.json} are written, and which steps of it are taken here and not by the native tokenizer,
 * because they depend on what lies around a piece of text.
 *
 * @param byteLevel whether tokens are written in the byte-level alphabet; if not, U+2581 is a space
 * @param byteTokens whether {@code <0xNN>} is a byte
 * @param dropsLeadingSpace whether decoding takes away a leading space
 * @param firstPrefix what goes before a text, but not before a piece after a token; as a rule nothing
 * @param normalizer the normalizer, where added tokens are to be found in normalized text; empty: left to the native tokenizer
 */
record HuggingFaceFormat(boolean byteLevel, boolean byteTokens, boolean dropsLeadingSpace, String firstPrefix,
        Optional<Normalizer> normalizer) {
    private static final String SPACE = String.valueOf(Pieces.SPACE);
    private static final Set<String> DECODERS = Set.of("ByteLevel", "ByteFallback", "Fuse", "Metaspace", "Replace", "Strip");
    /** Not Precompiled: the native library takes the process down where its data is broken. */
    private static final Set<String> NORMALIZERS = Set.of("BertNormalizer", "ByteLevel", "Lowercase", "NFC", "NFD", "NFKC", "NFKD",
            "Nmt", "Prepend", "Replace", "Strip", "StripAccents");
    private static final Set<String> PRE_TOKENIZERS = Set.of("BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits", "Metaspace",
            "Punctuation", "Split", "UnicodeScripts", "Whitespace", "WhitespaceSplit");

    static HuggingFaceFormat of(ConfigJson tokenizer, HuggingFaceVocabulary vocabulary) {
        steps(tokenizer.object("normalizer"), "normalizers", NORMALIZERS);
        List<ConfigJson> decoders = steps(tokenizer.object("decoder"), "decoders", DECODERS);
        List<ConfigJson> preTokenizers = steps(tokenizer.object("pre_tokenizer"), "pretokenizers", PRE_TOKENIZERS);
        boolean byteLevel = has(decoders, "ByteLevel") || decoders.isEmpty() && has(preTokenizers, "ByteLevel");
        if (!byteLevel && decoders.stream().noneMatch(HuggingFaceFormat::makesSpaces)) {
            throw new ModelLoadException(tokenizer.name("decoder") + " makes no spaces: it must have ByteLevel, Metaspace, or Replace "
                    + "of U+2581, or the pre_tokenizer be ByteLevel");
        }
        boolean drops = !byteLevel && decoders.stream().anyMatch(HuggingFaceFormat::stripsStart);
        boolean first = preTokenizers.stream().anyMatch(p -> type(p).equals("Metaspace")
                && p.text("prepend_scheme").orElse("").equals("first"));
        if (first && preTokenizers.size() > 1) {
            throw new ModelLoadException(tokenizer.name("pre_tokenizer") + " has a Metaspace of prepend_scheme \"first\" beside others, "
                    + "which is not known here");
        }
        boolean normalized = vocabulary.added().stream().anyMatch(AddedToken::normalized);
        return new HuggingFaceFormat(byteLevel, has(decoders, "ByteFallback"), drops, first ? SPACE : "",
                normalized ? tokenizer.object("normalizer").flatMap(Normalizer::of) : Optional.empty());
    }

    /** The step itself, or those it is a sequence of. */
    private static List<ConfigJson> steps(Optional<ConfigJson> step, String children, Set<String> known) {
        if (step.isEmpty()) {
            return List.of();
        }
        ConfigJson s = step.get();
        if (type(s).equals("Sequence")) {
            return s.objects(children).stream().flatMap(child -> steps(Optional.of(child), children, known).stream()).toList();
        }
        if (!known.contains(type(s))) {
            throw new ModelLoadException(s.name("type") + " is \"" + type(s) + "\", which is not known here; known are "
                    + String.join(", ", known.stream().sorted().toList()) + ", Sequence");
        }
        return List.of(s);
    }

    private static String type(ConfigJson step) {
        return step.text("type").orElse("");
    }

    private static boolean has(List<ConfigJson> steps, String type) {
        return steps.stream().anyMatch(s -> type(s).equals(type));
    }

    private static boolean makesSpaces(ConfigJson decoder) {
        return switch (type(decoder)) {
            case "Metaspace" -> true;
            case "Replace" -> decoder.object("pattern").flatMap(p -> p.text("String")).orElse("").equals(SPACE)
                    && decoder.text("content").orElse("").equals(" ");
            default -> false;
        };
    }

    private static boolean stripsStart(ConfigJson decoder) {
        return switch (type(decoder)) {
            case "Metaspace" -> !decoder.text("prepend_scheme").orElse("always").equals("never")
                    && decoder.bool("add_prefix_space").orElse(true);
            case "Strip" -> decoder.text("content").orElse("").equals(" ") && decoder.integer("start").orElse(0L) > 0;
            default -> false;
        };
    }

    /** The bytes that a token of the model stands for. */
    byte[] bytes(String token) {
        return byteLevel ? Pieces.byteLevel(token) : byteTokens && Pieces.isByte(token) ? Pieces.byteOf(token) : Pieces.sentencePiece(token);
    }
}
