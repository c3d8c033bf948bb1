package io.jllm.grammar.mask;

import io.jllm.grammar.CodePoints;
import io.jllm.grammar.automaton.TokenBytes;
import io.jllm.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;

/** The tokens of a vocabulary, arranged so that those that a grammar allows are found quickly. Immutable, safe for all threads. */
public final class TokenTable {
    /** One for each tokenizer, for as long as that is in use: made of nothing else, so that it does not matter who made it. */
    private static final Map<Tokenizer, TokenTable> KNOWN = new WeakHashMap<>();

    private static final CodePoints TEXT = CodePoints.range(' ', Character.MAX_CODE_POINT);
    private static final CodePoints PLAIN = TEXT.minus(CodePoints.anyOf("\"\\"));
    private static final CodePoints WORD = CodePoints.ofRanges('0', '9', 'A', 'Z', '_', '_', 'a', 'z');
    private static final CodePoints LOWER = CodePoints.range('a', 'z');

    private final int words;
    private final TokenTrie trie;
    private final List<Slice> slices;

    private TokenTable(Tokenizer tokenizer) {
        int size = tokenizer.vocabSize();
        words = Math.ceilDiv(size, Long.SIZE);
        int[] ids = new int[size];
        byte[][] bytes = new byte[size][];
        int used = 0;
        for (int id = 0; id < size; id++) {
            byte[] b = bytes(tokenizer, id);
            if (b.length > 0 && b.length < Short.MAX_VALUE) {
                ids[used] = id;
                bytes[used++] = b;
            }
        }
        int[] usedIds = java.util.Arrays.copyOf(ids, used);
        byte[][] usedBytes = java.util.Arrays.copyOf(bytes, used);
        trie = new TokenTrie(usedIds, usedBytes);
        var all = new ArrayList<Slice>();
        for (CodePoints set : List.of(TEXT, PLAIN, WORD, LOWER)) {
            all.add(new Slice(set, words, usedIds, usedBytes, trie));
        }
        slices = List.copyOf(all);
    }

    /** That of a tokenizer. */
    public static TokenTable of(Tokenizer tokenizer) {
        synchronized (KNOWN) {
            return KNOWN.computeIfAbsent(tokenizer, TokenTable::new);
        }
    }

    /** What a token is to an automaton: the bytes of its text, or of its id where it is special; none if it is neither text nor special. */
    static byte[] bytes(Tokenizer tokenizer, int id) {
        if (tokenizer.isSpecial(id)) {
            return TokenBytes.of(id);
        }
        byte[] text = tokenizer.bytes(id);
        return TokenBytes.isText(text) ? text : new byte[0];
    }

    /** Length of a mask: 64 tokens a word. */
    int words() {
        return words;
    }

    TokenTrie trie() {
        return trie;
    }

    List<Slice> slices() {
        return slices;
    }
}
