package io.jllm.tokenizer.sentencepiece;

import io.jllm.ModelLoadException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The table by which a SentencePiece model normalizes texts, {@code nmt_nfkc} as a rule: strings and what they become. They are kept in a
 * double array, whose units hold the label of the edge to them, where their children are, and whether a string ends there. Source:
 * sentencepiece ({@code normalizer.cc}) and Darts-clone, whose layout it is.
 */
public final class Charsmap {
    private static final int HAS_LEAF = 1 << 8;
    private static final int FAR = 1 << 9;
    private static final int OFFSET_SHIFT = 10;
    private static final int FAR_SHIFT = 8;
    private static final int LABEL = 0x800000FF;
    private static final int VALUE = 0x7FFFFFFF;

    private final int[] units;
    /** Replacements, each ended by a zero. */
    private final byte[] texts;

    /**
     * What stands at a place, and what becomes of it.
     *
     * @param length in bytes
     */
    record Match(int length, String text) {
    }

    private Charsmap(int[] units, byte[] texts) {
        this.units = units;
        this.texts = texts;
    }

    /**
     * Reads one; none if there is nothing in it, which changes nothing.
     *
     * @param where the file, for messages
     */
    static Optional<Charsmap> read(String where, ByteBuffer blob) {
        if (!blob.hasRemaining()) {
            return Optional.empty();
        }
        var in = blob.slice().order(ByteOrder.LITTLE_ENDIAN);
        long size = in.remaining() < Integer.BYTES ? -1 : Integer.toUnsignedLong(in.getInt());
        if (size <= 0 || size % Integer.BYTES != 0 || size > in.remaining()) {
            throw new ModelLoadException(where + ": normalizer_spec.precompiled_charsmap is broken: it says that " + size + " of its "
                    + blob.remaining() + " bytes are the table");
        }
        int[] units = new int[(int) size / Integer.BYTES];
        in.slice(in.position(), (int) size).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(units);
        byte[] texts = new byte[in.remaining() - (int) size];
        in.get(in.position() + (int) size, texts);
        return Optional.of(new Charsmap(units, texts));
    }

    /** The longest string of the table that stands there. */
    Optional<Match> longest(byte[] utf8, int at) {
        int length = 0;
        int value = 0;
        int node = offset(units[0]);
        for (int i = at; i < utf8.length; i++) {
            int label = utf8[i] & 0xFF;
            node ^= label;
            if (node >= units.length || (units[node] & LABEL) != label) {
                break;
            }
            int unit = units[node];
            node ^= offset(unit);
            if ((unit & HAS_LEAF) != 0 && node < units.length) {
                length = i + 1 - at;
                value = units[node] & VALUE;
            }
        }
        return length == 0 ? Optional.empty() : Optional.of(new Match(length, text(value)));
    }

    private static int offset(int unit) {
        return unit >>> OFFSET_SHIFT << ((unit & FAR) != 0 ? FAR_SHIFT : 0);
    }

    private String text(int start) {
        int end = Math.min(start, texts.length);
        int begin = end;
        while (end < texts.length && texts[end] != 0) {
            end++;
        }
        return new String(texts, begin, end - begin, StandardCharsets.UTF_8);
    }
}
