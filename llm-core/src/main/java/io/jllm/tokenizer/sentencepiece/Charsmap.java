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
    /** The whole, which ends with the replacements, each ended by a zero. */
    private final byte[] blob;
    /** Where these begin. */
    private final int texts;

    /**
     * What stands at a place, and what becomes of it.
     *
     * @param length in bytes
     */
    public record Match(int length, String text) {
    }

    private Charsmap(int[] units, byte[] blob) {
        this.units = units;
        this.blob = blob;
        texts = (1 + units.length) * Integer.BYTES;
    }

    /**
     * Reads one; none if there is nothing in it, which changes nothing.
     *
     * @param where what holds it, for messages
     */
    public static Optional<Charsmap> read(String where, ByteBuffer blob) {
        if (!blob.hasRemaining()) {
            return Optional.empty();
        }
        var in = blob.slice().order(ByteOrder.LITTLE_ENDIAN);
        long size = in.remaining() < Integer.BYTES ? -1 : Integer.toUnsignedLong(in.getInt());
        if (size <= 0 || size % Integer.BYTES != 0 || size > in.remaining()) {
            throw new ModelLoadException(where + " is broken: it says that " + size + " of its "
                    + blob.remaining() + " bytes are the table");
        }
        int[] units = new int[(int) size / Integer.BYTES];
        in.slice(in.position(), (int) size).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(units);
        byte[] all = new byte[in.capacity()];
        in.get(0, all);
        return Optional.of(new Charsmap(units, all));
    }

    /** The longest string of the table that stands there. */
    private Optional<Match> longest(byte[] utf8, int at) {
        return find(utf8, at, true);
    }

    /** The shortest. */
    public Optional<Match> shortest(byte[] utf8, int at) {
        return find(utf8, at, false);
    }

    private Optional<Match> find(byte[] utf8, int at, boolean longest) {
        int length = 0;
        int value = 0;
        int node = offset(units[0]);
        for (int i = at; i < utf8.length && (longest || length == 0); i++) {
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

    /**
     * What a text becomes: at each place the longest string of the table is replaced.
     *
     * @param text without unpaired surrogates
     * @param kept strings that stay as they are
     */
    public String apply(String text, LongestPrefix kept) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        var result = new StringBuilder(text.length());
        int at = 0;
        for (int c = 0; c < text.length(); ) {
            int whole = kept.at(text, c);
            var match = whole > 0 ? Optional.<Match>empty() : longest(utf8, at);
            int bytes;
            if (match.isPresent()) {
                result.append(match.get().text());
                bytes = match.get().length();
            } else {
                int chars = whole > 0 ? whole : Character.charCount(text.codePointAt(c));
                String same = text.substring(c, c + chars);
                result.append(same);
                bytes = same.getBytes(StandardCharsets.UTF_8).length;
            }
            at += bytes;
            c += chars(utf8, at - bytes, bytes);
        }
        return result.toString();
    }

    /** How many chars so many bytes of UTF-8 are. */
    private static int chars(byte[] utf8, int from, int count) {
        int chars = 0;
        for (int i = from; i < from + count; i++) {
            int b = utf8[i] & 0xFF;
            chars += b >= 0xF0 ? 2 : b < 0x80 || b >= 0xC0 ? 1 : 0;
        }
        return chars;
    }

    private static int offset(int unit) {
        return unit >>> OFFSET_SHIFT << ((unit & FAR) != 0 ? FAR_SHIFT : 0);
    }

    private String text(int start) {
        int begin = Math.min(start, blob.length - texts) + texts;
        int end = begin;
        while (end < blob.length && blob[end] != 0) {
            end++;
        }
        return new String(blob, begin, end - begin, StandardCharsets.UTF_8);
    }

    /** As it stands in files. */
    public byte[] toBytes() {
        return blob.clone();
    }
}
