package io.jllm.tokenizer.gguf;

import io.jllm.ModelLoadException;
import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.tokenizer.gguf.GgufVocabulary.Kind;
import io.jllm.tokenizer.sentencepiece.Charsmap;
import io.jllm.tokenizer.sentencepiece.LongestPrefix;
import io.jllm.tokenizer.split.Splitting;
import io.jllm.tokenizer.subword.Pieces;
import io.jllm.tokenizer.unigram.UnigramBuilder;
import io.jllm.tokenizer.unigram.UnigramModel;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * Unigram vocabularies: what a text becomes before it is cut, and the pieces. Source: llama.cpp ({@code llm_tokenizer_ugm}). Its ways differ
 * from sentencepiece's in that what is no piece never falls apart into bytes, in the score of user-defined pieces, which is 0, and in where
 * spaces go.
 */
final class GgufUnigram {
    private static final String CHARSMAP = "tokenizer.ggml.precompiled_charsmap";
    private static final String REMOVE_SPACES = "tokenizer.ggml.remove_extra_whitespaces";

    private final GgufVocabulary vocabulary;
    private final Optional<Charsmap> charsmap;
    private final LongestPrefix kept;
    private final boolean removesSpaces;

    GgufUnigram(GgufMetadata metadata, GgufVocabulary vocabulary) {
        this.vocabulary = vocabulary;
        charsmap = metadata.integers(CHARSMAP).flatMap(GgufUnigram::charsmap);
        kept = new LongestPrefix(IntStream.range(0, vocabulary.size()).filter(id -> vocabulary.kind(id) == Kind.USER_DEFINED)
                .mapToObj(vocabulary::text).toList());
        removesSpaces = metadata.bool(REMOVE_SPACES).orElse(false);
    }

    private static Optional<Charsmap> charsmap(long[] values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < bytes.length; i++) {
            if (values[i] < Byte.MIN_VALUE || values[i] > 0xFF) {
                throw new ModelLoadException("metadata " + CHARSMAP + " holds " + values[i] + ": it must be of bytes");
            }
            bytes[i] = (byte) values[i];
        }
        return Charsmap.read("metadata " + CHARSMAP, ByteBuffer.wrap(bytes));
    }

    UnigramModel model(OptionalInt unknown) {
        if (unknown.isEmpty()) {
            throw new ModelLoadException("metadata tokenizer.ggml.unknown_token_id is missing: a vocabulary of kind t5 needs one");
        }
        double[] scores = vocabulary.scores();
        var builder = new UnigramBuilder(scores.length, unknown.getAsInt(), UnigramBuilder.Sums.DOUBLE);
        float worst = Float.MAX_VALUE;
        for (int id = 0; id < scores.length; id++) {
            switch (vocabulary.kind(id)) {
                case NORMAL -> {
                    worst = Math.min(worst, (float) scores[id]);
                    builder.piece(vocabulary.text(id), id, scores[id]);
                }
                case USER_DEFINED -> builder.piece(vocabulary.text(id), id, 0);
                case UNUSED -> builder.piece(vocabulary.text(id), id, scores[id]);
                case UNDEFINED, UNKNOWN, CONTROL, BYTE -> { } // no text becomes one
            }
        }
        return builder.build(worst - UnigramBuilder.PENALTY);
    }

    /** @param spacePrefix whether a space goes before a text that stands first or after a token */
    Splitting splitting(boolean spacePrefix) {
        return new Splitting(List.of((text, first, sink) -> {
            String normalized = spaced(charsmap.map(map -> map.apply(text, kept)).orElse(text), spacePrefix);
            if (!normalized.isEmpty()) {
                sink.piece(normalized, first);
            }
        }));
    }

    private String spaced(String text, boolean spacePrefix) {
        var result = new StringBuilder(text.length() + 1);
        boolean prefixed = !spacePrefix;
        boolean inWord = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != ' ') {
                if (!inWord && (removesSpaces || !prefixed)) {
                    result.append(Pieces.SPACE);
                    prefixed = true;
                }
                result.append(c);
            } else if (!removesSpaces) {
                result.append(Pieces.SPACE);
            }
            inWord = c != ' ';
        }
        return result.toString();
    }
}
