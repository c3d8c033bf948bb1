package io.jllm.tokenizer.bpe;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.ToIntFunction;

/**
 * A byte-pair encoder: the characters of a piece become symbols, and pairs of symbols merge by rank until none is left. Source of the
 * rules: Hugging Face tokenizers ({@code models/bpe/model.rs}) and llama.cpp ({@code llama-vocab.cpp}), which agree on the order of merges.
 * Immutable, for any number of threads.
 *
 * <p>The time for a piece grows as its length by the logarithm of it, and in practice as its length: where no merge can reach across, a long
 * piece is cut.
 */
public final class BpeModel {
    /** Pieces up to this length are not searched for places to cut. */
    private static final int SHORT = 32;
    private static final int NONE = CodePoints.NONE;

    private final CodePoints symbols;
    private final MergeTable merges;
    /** What is told instead of a symbol that is no token: by its number above the last token. */
    private final int[][] standIns;
    private final int size;
    /** The token of each byte, for characters that have none; NONE where there is none. */
    private final int[] bytes;
    private final int unknown;
    private final boolean fuseUnknown;
    private final Optional<ToIntFunction<String>> whole;
    private final Optional<Junctions> junctions;

    BpeModel(BpeBuilder builder) {
        symbols = builder.symbols;
        merges = builder.merges;
        standIns = builder.standIns.toArray(int[][]::new);
        size = builder.size;
        bytes = builder.bytes.clone();
        unknown = builder.unknown;
        fuseUnknown = builder.fuseUnknown;
        whole = builder.whole;
        // Where characters can be left out, or be fused, what stands apart in the text may yet meet.
        boolean cuts = !builder.mergesFallback && Arrays.stream(bytes).noneMatch(b -> b == NONE);
        junctions = cuts ? Optional.of(builder.junctions) : Optional.empty();
    }

    /** Takes pieces of text, which have no unpaired surrogates, one after the other, and tells the ids of each. For one thread. */
    public Consumer<String> encoder(IntConsumer ids) {
        var word = new Word();
        return piece -> encode(piece, word, ids);
    }

    private void encode(String piece, Word word, IntConsumer ids) {
        if (whole.isPresent()) {
            int id = whole.get().applyAsInt(piece);
            if (id >= 0) {
                ids.accept(id);
                return;
            }
        }
        if (piece.length() <= SHORT || junctions.isEmpty()) {
            encode(piece, 0, piece.length(), word, ids);
            return;
        }
        int start = 0;
        int last = piece.codePointAt(0);
        for (int at = Character.charCount(last); at < piece.length(); ) {
            int c = piece.codePointAt(at);
            if (!junctions.get().mayJoin(last, c)) {
                encode(piece, start, at, word, ids);
                start = at;
            }
            at += Character.charCount(c);
            last = c;
        }
        encode(piece, start, piece.length(), word, ids);
    }

    private void encode(String text, int start, int end, Word word, IntConsumer ids) {
        word.clear();
        read(text, start, end, word);
        word.merge(merges);
        for (int i = 0; i < word.size(); i++) {
            int symbol = word.symbol(i);
            if (symbol < size) {
                ids.accept(symbol);
            } else {
                Arrays.stream(standIns[symbol - size]).forEach(ids);
            }
        }
    }

    private void read(String text, int start, int end, Word word) {
        boolean unknownWaits = false;
        for (int at = start; at < end; ) {
            int c = text.codePointAt(at);
            at += Character.charCount(c);
            int symbol = symbols.get(c);
            if (symbol != NONE) {
                if (unknownWaits) {
                    word.add(unknown);
                    unknownWaits = false;
                }
                word.add(symbol);
            } else if (!fallBack(c, word) && unknown != NONE) {
                if (unknownWaits && !fuseUnknown) {
                    word.add(unknown);
                }
                unknownWaits = true;
            }
        }
        if (unknownWaits) {
            word.add(unknown);
        }
    }

    /** Adds the bytes of a character, if there are tokens for all of them. */
    private boolean fallBack(int codePoint, Word word) {
        byte[] utf8 = Character.toString(codePoint).getBytes(StandardCharsets.UTF_8);
        for (byte b : utf8) {
            if (bytes[b & 0xFF] == NONE) {
                return false;
            }
        }
        for (byte b : utf8) {
            word.add(bytes[b & 0xFF]);
        }
        return true;
    }
}
