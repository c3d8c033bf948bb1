package io.jllm.tokenizer.huggingface;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.tokenizer.subword.Pieces;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * How the tokens of a {@code tokenizer.json} are written, by its {@code decoder}.
 *
 * @param byteLevel whether tokens are written in the byte-level alphabet; if not, U+2581 is a space
 * @param byteTokens whether {@code <0xNN>} is a byte
 * @param dropsLeadingSpace whether decoding takes away a leading space
 */
record HuggingFaceFormat(boolean byteLevel, boolean byteTokens, boolean dropsLeadingSpace) {
    private static final String SPACE = String.valueOf(Pieces.SPACE);
    private static final Set<String> DECODERS = Set.of("ByteLevel", "ByteFallback", "Fuse", "Metaspace", "Replace", "Strip");

    static HuggingFaceFormat of(ConfigJson tokenizer) {
        List<ConfigJson> decoders = decoders(tokenizer.object("decoder"));
        boolean byteLevel = has(decoders, "ByteLevel") || decoders.isEmpty() && mentionsByteLevel(tokenizer.object("pre_tokenizer"));
        if (!byteLevel && decoders.stream().noneMatch(HuggingFaceFormat::makesSpaces)) {
            throw new ModelLoadException(tokenizer.name("decoder") + " makes no spaces: it must have ByteLevel, Metaspace, or Replace "
                    + "of U+2581, or the pre_tokenizer be ByteLevel");
        }
        boolean drops = !byteLevel && decoders.stream().anyMatch(HuggingFaceFormat::stripsStart);
        return new HuggingFaceFormat(byteLevel, has(decoders, "ByteFallback"), drops);
    }

    private static boolean mentionsByteLevel(Optional<ConfigJson> preTokenizer) {
        return preTokenizer.isPresent() && (type(preTokenizer.get()).equals("ByteLevel") || type(preTokenizer.get()).equals("Sequence")
                && preTokenizer.get().objects("pretokenizers").stream().anyMatch(p -> mentionsByteLevel(Optional.of(p))));
    }

    /** The decoder itself, or those it is a sequence of. */
    private static List<ConfigJson> decoders(Optional<ConfigJson> decoder) {
        if (decoder.isEmpty()) {
            return List.of();
        }
        ConfigJson d = decoder.get();
        if (type(d).equals("Sequence")) {
            return d.objects("decoders").stream().flatMap(child -> decoders(Optional.of(child)).stream()).toList();
        }
        if (!DECODERS.contains(type(d))) {
            throw new ModelLoadException(d.name("type") + " is \"" + type(d) + "\", which is not known here; known are "
                    + String.join(", ", DECODERS.stream().sorted().toList()) + ", Sequence");
        }
        return List.of(d);
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
