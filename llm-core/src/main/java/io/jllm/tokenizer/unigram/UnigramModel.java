package io.jllm.tokenizer.unigram;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/**
 * Cuts a text into the pieces whose scores add up to the most (Viterbi's algorithm over the places between characters). Characters
 * that are no pieces score low, and where they stand together they become one unknown token, or the tokens of their bytes.
 * Source of the rules: sentencepiece ({@code unigram_model.cc}, {@code EncodeOptimized}), Hugging Face tokenizers
 * ({@code models/unigram/model.rs}) and llama.cpp ({@code llm_tokenizer_ugm}). Immutable, for any number of threads.
 *
 * <p>The time for a text grows as its length by that of the longest piece.
 */
public final class UnigramModel {
    private static final int NONE = UnigramBuilder.NONE;

    private final PieceTrie trie;
    private final double[] scores;
    private final int[] bytes;
    private final int unknown;
    private final double unknownScore;
    private final boolean floats;

    UnigramModel(UnigramBuilder builder) {
        trie = new PieceTrie(builder.pieces);
        scores = builder.scores;
        bytes = builder.bytes.clone();
        unknown = builder.unknown;
        unknownScore = builder.unknownScore;
        floats = builder.sums == UnigramBuilder.Sums.FLOAT;
    }

    /** Takes pieces of text, which have no unpaired surrogates, one after the other, and tells the ids of each. For one thread. */
    public Consumer<String> encoder(IntConsumer ids) {
        var paths = new Paths();
        return text -> {
            paths.find(text);
            paths.tell(text, ids);
        };
    }

    /** The best way to each place in a text. */
    private final class Paths {
        private double[] best = {};
        /** Where the last piece of it begins. */
        private int[] starts = {};
        /** The last piece of it, NONE for a character that is no piece. */
        private int[] last = {};

        void find(String text) {
            clear(text.length() + 1);
            for (int start = 0; start < text.length(); ) {
                int character = Character.charCount(text.codePointAt(start));
                boolean known = false;
                int node = PieceTrie.ROOT;
                for (int end = start; end < text.length(); ) {
                    node = trie.next(node, text.charAt(end++));
                    if (node == PieceTrie.NONE) {
                        break;
                    }
                    int id = trie.number(node);
                    if (id != PieceTrie.NONE) {
                        known |= end - start == character;
                        offer(start, end, id, scores[id]);
                    }
                }
                if (!known) {
                    offer(start, start + character, NONE, unknownScore);
                }
                start += character;
            }
        }

        private void clear(int places) {
            if (best.length < places) {
                best = new double[Math.max(places, best.length * 2)];
                starts = new int[best.length];
                last = new int[best.length];
            }
            Arrays.fill(starts, 0, places, NONE);
            best[0] = 0;
        }

        private void offer(int start, int end, int id, double score) {
            double sum = floats ? (float) score + (float) best[start] : score + best[start];
            if (starts[end] == NONE || sum > best[end]) {
                best[end] = sum;
                starts[end] = start;
                last[end] = id;
            }
        }

        /** Follows the way back, turns it round, and tells it. */
        void tell(String text, IntConsumer ids) {
            for (int end = text.length(), back = end > 0 ? starts[end] : 0; end > 0; ) {
                int start = back;
                back = starts[start];
                starts[start] = end;
                end = start;
            }
            int stranger = NONE;
            for (int at = 0; at < text.length(); at = starts[at]) {
                int id = last[starts[at]]; // starts now holds where the piece from there ends
                if (id == NONE) {
                    stranger = stranger == NONE ? at : stranger;
                } else {
                    tellStrangers(text, stranger, at, ids);
                    stranger = NONE;
                    ids.accept(id);
                }
            }
            tellStrangers(text, stranger, text.length(), ids);
        }
    }

    /** What stands from a place on is no piece; nothing is told if that is NONE. */
    private void tellStrangers(String text, int from, int to, IntConsumer ids) {
        if (from == NONE) {
            return;
        }
        byte[] utf8 = text.substring(from, to).getBytes(StandardCharsets.UTF_8);
        for (byte b : utf8) {
            if (bytes[b & 0xFF] == NONE) {
                ids.accept(unknown);
                return;
            }
        }
        for (byte b : utf8) {
            ids.accept(bytes[b & 0xFF]);
        }
    }
}
