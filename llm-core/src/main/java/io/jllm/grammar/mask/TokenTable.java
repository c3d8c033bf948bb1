package io.jllm.grammar.mask;

import io.jllm.grammar.CodePoints;
import io.jllm.grammar.automaton.TokenBytes;
import io.jllm.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
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

    private static final byte[] NONE = {};
    /** How many of a token's first bytes are in its key, above its place among the tokens. */
    private static final int KEY_BYTES = 5;

    private final int words;
    private final TokenTrie trie;
    private final List<Slice> slices;
    /** What each token is to an automaton; none for those that cannot be asked for. */
    private final byte[][] bytes;
    private final boolean writesAllText;

    private TokenTable(Tokenizer tokenizer) {
        int size = tokenizer.vocabSize();
        words = Math.ceilDiv(size, Long.SIZE);
        bytes = new byte[size][];
        int used = 0;
        for (int id = 0; id < size; id++) {
            byte[] b = tokenizer.isSpecial(id) ? TokenBytes.of(id) : tokenizer.bytes(id);
            bytes[id] = b.length < Short.MAX_VALUE && (tokenizer.isSpecial(id) || TokenBytes.none(b)) ? b : NONE;
            used += bytes[id].length > 0 ? 1 : 0;
        }
        writesAllText = hasAllBytes();
        int[] ids = sorted(used);
        byte[][] inOrder = new byte[used][];
        Arrays.setAll(inOrder, i -> bytes[ids[i]]);
        trie = new TokenTrie(ids, inOrder);
        var all = new ArrayList<Slice>();
        for (CodePoints set : List.of(TEXT, PLAIN, WORD, LOWER)) {
            all.add(new Slice(set, words, ids, inOrder, trie));
        }
        slices = List.copyOf(all);
    }

    /** The tokens in the order of their bytes: by the first few as numbers, and only where these are equal by all. */
    private int[] sorted(int used) {
        long[] keys = new long[used];
        int place = 0;
        for (int id = 0; id < bytes.length; id++) {
            if (bytes[id].length > 0) {
                long key = 0;
                for (int i = 0; i < KEY_BYTES; i++) {
                    key = key << Byte.SIZE | (i < bytes[id].length ? bytes[id][i] & 0xFF : 0);
                }
                keys[place++] = (key << Long.SIZE - KEY_BYTES * Byte.SIZE | id) ^ Long.MIN_VALUE;
            }
        }
        Arrays.sort(keys);
        int mask = (1 << Long.SIZE - KEY_BYTES * Byte.SIZE) - 1;
        Integer[] ids = new Integer[used];
        Arrays.setAll(ids, i -> (int) keys[i] & mask);
        for (int begin = 0; begin < used;) {
            int end = begin + 1;
            while (end < used && keys[end] >> Long.SIZE - KEY_BYTES * Byte.SIZE == keys[begin] >> Long.SIZE - KEY_BYTES * Byte.SIZE) {
                end++;
            }
            if (end - begin > 1) {
                Arrays.sort(ids, begin, end, (a, b) -> Arrays.compareUnsigned(bytes[a], bytes[b]));
            }
            begin = end;
        }
        return Arrays.stream(ids).mapToInt(Integer::intValue).toArray();
    }

    /** Whether each byte of UTF-8 but the rarest control characters has a token of its own. */
    private boolean hasAllBytes() {
        var single = new java.util.BitSet();
        for (byte[] b : bytes) {
            if (b.length == 1) {
                single.set(b[0] & 0xFF);
            }
        }
        return single.get('\t') && single.get('\n') && single.get('\r') && single.nextClearBit(' ') >= 0x7F && single.nextClearBit(0x80) >= 0xC0
                && single.nextClearBit(0xC2) >= 0xF5;
    }

    /** That of a tokenizer. */
    public static TokenTable of(Tokenizer tokenizer) {
        synchronized (KNOWN) {
            return KNOWN.computeIfAbsent(tokenizer, TokenTable::new);
        }
    }

    /** What a token is to an automaton: the bytes of its text, or of its id where it is special; none if it can never be allowed. */
    byte[] bytes(int id) {
        return id < bytes.length ? bytes[id] : NONE;
    }

    /** Whether any text can be written with as many tokens as it has bytes. */
    boolean writesAllText() {
        return writesAllText;
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
