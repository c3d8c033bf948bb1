package io.jllm.tokenizer.huggingface;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.tokenizer.sentencepiece.Charsmap;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * The normalizer {@code Precompiled}: a SentencePiece table applied in the way of Hugging Face tokenizers, which differs from sentencepiece's.
 * A grapheme cluster of up to five bytes that begins with a string of the table becomes, as a whole, what the shortest such string becomes;
 * otherwise each character goes by itself. Source: {@code normalizers/precompiled.rs} and the crate {@code spm_precompiled}.
 */
final class PrecompiledStep implements UnaryOperator<String> {
    private static final Pattern CLUSTER = Pattern.compile("\\X");
    /** Longer ones go character by character. */
    private static final int MAX_BYTES = 5;

    private static final int ASCII = 0x80;

    private final Charsmap map;
    /** What each character becomes that stands alone. */
    private final String[] ascii = new String[ASCII];

    private PrecompiledStep(Charsmap map) {
        this.map = map;
        for (int c = 0; c < ASCII; c++) {
            var result = new StringBuilder();
            cluster(Character.toString(c), result);
            ascii[c] = result.toString();
        }
    }

    /** The step of a normalizer; one that changes nothing if its table is empty. */
    static UnaryOperator<String> of(ConfigJson json) {
        String blob = json.text("precompiled_charsmap").orElseThrow(() -> new ModelLoadException(json.name("precompiled_charsmap") + " is missing"));
        try {
            return Charsmap.read(json.name("precompiled_charsmap"), ByteBuffer.wrap(Base64.getDecoder().decode(blob)))
                    .<UnaryOperator<String>>map(PrecompiledStep::new).orElse(UnaryOperator.identity());
        } catch (IllegalArgumentException e) {
            throw new ModelLoadException(json.name("precompiled_charsmap") + " is not in base 64: " + e.getMessage(), e);
        }
    }

    @Override
    public String apply(String text) {
        var result = new StringBuilder(text.length());
        var clusters = CLUSTER.matcher(text);
        for (int at = 0; at < text.length(); ) {
            int end = at + 1;
            if (isAlone(text, at)) {
                result.append(ascii[text.charAt(at)]);
            } else {
                end = clusters.region(at, text.length()).lookingAt() ? clusters.end() : end;
                cluster(text.substring(at, end), result);
            }
            at = end;
        }
        return result.toString();
    }

    /** Whether nothing that follows can belong to the character, which is ASCII: the usual case, without a search. */
    private static boolean isAlone(String text, int at) {
        return text.charAt(at) < ASCII && text.charAt(at) != '\r' && (at + 1 == text.length() || text.charAt(at + 1) < ASCII);
    }

    private void cluster(String cluster, StringBuilder result) {
        if (!replaced(cluster, result)) {
            cluster.codePoints().mapToObj(Character::toString).filter(c -> !replaced(c, result)).forEach(result::append);
        }
    }

    private boolean replaced(String part, StringBuilder result) {
        byte[] utf8 = part.getBytes(StandardCharsets.UTF_8);
        var match = utf8.length <= MAX_BYTES ? map.shortest(utf8, 0) : Optional.<Charsmap.Match>empty();
        match.ifPresent(m -> result.append(m.text()));
        return match.isPresent();
    }
}
