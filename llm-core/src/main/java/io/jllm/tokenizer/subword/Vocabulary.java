package io.jllm.tokenizer.subword;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * The table of tokens: how each is written, which bytes it stands for, and whether it is special. Immutable. All lie in one array, for as
 * objects a large vocabulary would take ten times the heap.
 */
public final class Vocabulary {
    private static final byte[] NOTHING = {};

    private final byte[] room;
    /** For each token, where in the room its text begins, its bytes begin, and they end. */
    private final int[] places;
    private final BitSet special;

    private Vocabulary(byte[] room, int[] places, BitSet special) {
        this.room = room;
        this.places = places;
        this.special = special;
    }

    public int size() {
        return places.length / 3;
    }

    public String text(int id) {
        return check(id) < size() ? new String(room, places[3 * id], places[3 * id + 1] - places[3 * id], StandardCharsets.UTF_8) : padding(id);
    }

    /** The bytes it stands for: none for a special token or an id past the end. */
    byte[] bytes(int id) {
        return check(id) < size() ? Arrays.copyOfRange(room, places[3 * id + 1], places[3 * id + 2]) : NOTHING;
    }

    /** Finds those of its tokens that pass, by how they are written. */
    public TextIndex index(IntPredicate which) {
        TextIndex index = new TextIndex(size(), this::text);
        IntStream.range(0, size()).filter(which).forEach(index::add);
        return index;
    }

    boolean isSpecial(int id) {
        return check(id) >= size() || special.get(id);
    }

    private static int check(int id) {
        if (id < 0) {
            throw new IllegalArgumentException("token id " + id + " is negative: ids begin at 0");
        }
        return id;
    }

    private static String padding(int id) {
        return "[PAD" + id + "]";
    }

    /** Of so many entries, which are special and nameless until they are set, each once. */
    public static final class Builder {
        /** What a token and its text take as a rule. */
        private static final int USUAL_BYTES = 20;

        private final int[] places;
        private final BitSet known = new BitSet();
        private final BitSet special = new BitSet();
        private byte[] room;
        private int used;

        public Builder(int size) {
            places = new int[Math.multiplyExact(3, size)];
            room = new byte[USUAL_BYTES * size];
        }

        /** A token that stands for these bytes. */
        public void text(int id, String text, byte[] standsFor) {
            known.set(id);
            places[3 * id] = used;
            add(text.getBytes(StandardCharsets.UTF_8));
            places[3 * id + 1] = used;
            add(standsFor);
            places[3 * id + 2] = used;
        }

        /** A token that stands for no text. */
        public void special(int id, String text) {
            text(id, text, NOTHING);
            special.set(id);
        }

        private void add(byte[] bytes) {
            if (room.length - used < bytes.length) {
                room = Arrays.copyOf(room, Math.max(Math.addExact(used, bytes.length), room.length + room.length / 2));
            }
            System.arraycopy(bytes, 0, room, used, bytes.length);
            used += bytes.length;
        }

        public Vocabulary build() {
            for (int id = 0; id < places.length / 3; id++) {
                if (!known.get(id)) {
                    special(id, padding(id));
                }
            }
            return new Vocabulary(Arrays.copyOf(room, used), places, special);
        }
    }
}
