package io.jllm.tokenizer.bpe;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToIntFunction;

/** Makes a {@link BpeModel}. For one thread; {@link #build} ends its use. */
public final class BpeBuilder {
    final int size;
    final CodePoints symbols = new CodePoints();
    final MergeTable merges;
    final Junctions junctions = new Junctions();
    final List<int[]> standIns = new ArrayList<>();
    final int[] bytes = new int[256];
    int unknown = CodePoints.NONE;
    boolean fuseUnknown;
    /** Whether merges take what characters fall back on, which is not seen in the characters of a text. */
    boolean mergesFallback;
    Optional<ToIntFunction<String>> whole = Optional.empty();
    private final Map<String, Integer> strangers = new HashMap<>();
    private final BitSet fallbacks = new BitSet();

    /**
     * Of a vocabulary.
     *
     * @param size number of ids
     * @param expectedMerges how many merges there will be, about
     */
    public BpeBuilder(int size, int expectedMerges) {
        this.size = size;
        merges = new MergeTable(expectedMerges);
        Arrays.fill(bytes, CodePoints.NONE);
    }

    /** Makes a token a symbol that merging begins with, if it is a single character. */
    public void token(String text, int id) {
        if (text.codePointCount(0, text.length()) == 1) {
            symbols.put(text.codePointAt(0), id);
        }
    }

    /** The token of a byte, into which characters fall apart that are no tokens. To be told before the merges. */
    public void byteToken(int value, int id) {
        bytes[value] = id;
        fallbacks.set(id);
    }

    /** The token of a byte, negative if there is none. */
    public int byteToken(byte value) {
        return bytes[value & 0xFF];
    }

    /** Whether any byte has a token. */
    public boolean hasByteTokens() {
        return Arrays.stream(bytes).anyMatch(id -> id != CodePoints.NONE);
    }

    /** What stands for a character that nothing else stands for; without it such a character is left out. To be told before the merges. */
    public void unknown(int id, boolean fuse) {
        fallbacks.set(id);
        unknown = id;
        fuseUnknown = fuse;
    }

    /** Has pieces that are tokens taken whole, whatever merging makes of them: the id of a piece, negative if it is none. */
    public void takeWhole(ToIntFunction<String> idOf) {
        whole = Optional.of(idOf);
    }

    /**
     * A symbol that is no token, for a text that merges name: after merging, other ids are told in its stead.
     *
     * @param text how it is written; if it is a single character, merging begins with it
     * @param ids what is told in its stead
     */
    public int stranger(String text, int... ids) {
        return strangers.computeIfAbsent(text, t -> {
            standIns.add(ids);
            int symbol = size + standIns.size() - 1;
            token(t, symbol);
            return symbol;
        });
    }

    /**
     * A merge of two symbols.
     *
     * @param rank from 0, the lower the sooner
     * @param replace whether it takes the place of one of the same symbols that is there, or leaves it
     */
    public void merge(String leftText, int left, String rightText, int right, int rank, int result, boolean replace) {
        merges.put(left, right, rank, result, replace);
        junctions.add(leftText.codePointBefore(leftText.length()), rightText.codePointAt(0));
        mergesFallback |= fallbacks.get(left) || fallbacks.get(right);
    }

    /** The model. */
    public BpeModel build() {
        return new BpeModel(this);
    }
}
