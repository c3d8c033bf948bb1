package io.jllm.tokenizer.bpe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BpeModelTest {
    /** A pair, its rank and what it makes. */
    private record Merge(String left, String right, int rank, int result) {
    }

    /** Tokens of the letters a to c, by merges at random. */
    private static final class Vocabulary {
        final Map<String, Integer> ids = new HashMap<>();
        final List<Merge> merges = new ArrayList<>();

        Vocabulary(Random random, int size, int ranks) {
            for (String letter : List.of("a", "b", "c")) {
                ids.put(letter, ids.size());
            }
            while (ids.size() < size) {
                List<String> tokens = new ArrayList<>(ids.keySet());
                String left = tokens.get(random.nextInt(tokens.size()));
                String right = tokens.get(random.nextInt(tokens.size()));
                if (left.length() + right.length() <= 8 && !ids.containsKey(left + right)) {
                    ids.put(left + right, ids.size());
                    merges.add(new Merge(left, right, random.nextInt(ranks), ids.get(left + right)));
                }
            }
        }

        BpeModel model() {
            var builder = new BpeBuilder(ids.size() + 256, 1);
            ids.forEach(builder::token);
            for (int b = 0; b < 256; b++) {
                builder.byteToken(b, ids.size() + b);
            }
            for (Merge m : merges) {
                builder.merge(m.left, ids.get(m.left), m.right, ids.get(m.right), m.rank, m.result, false);
            }
            return builder.build();
        }

        /** The definition: the lowest rank, the leftmost of equal ones, until there is none. */
        int[] plainly(String text) {
            List<String> parts = new ArrayList<>(text.chars().mapToObj(c -> String.valueOf((char) c)).toList());
            while (true) {
                int best = -1;
                Merge found = null;
                for (int i = 0; i + 1 < parts.size(); i++) {
                    for (Merge m : merges) {
                        if (m.left.equals(parts.get(i)) && m.right.equals(parts.get(i + 1)) && (found == null || m.rank < found.rank)) {
                            best = i;
                            found = m;
                        }
                    }
                }
                if (found == null) {
                    return parts.stream().mapToInt(p -> ids.containsKey(p) ? ids.get(p) : ids.size() + p.charAt(0)).toArray();
                }
                parts.set(best, found.left + found.right);
                parts.remove(best + 1);
            }
        }
    }

    private static int[] encode(BpeModel model, String piece) {
        IntStream.Builder ids = IntStream.builder();
        model.encoder(ids::add).accept(piece);
        return ids.build().toArray();
    }

    /** Short and long pieces take different ways, with cuts where letters are missing; few ranks make many equal. */
    @Test
    void mergesAreThoseOfTheDefinition() {
        Random random = new Random(5);
        for (int round = 0; round < 40; round++) {
            Vocabulary vocabulary = new Vocabulary(random, 5 + random.nextInt(40), round % 2 == 0 ? 3 : 1000);
            BpeModel model = vocabulary.model();
            for (int i = 0; i < 20; i++) {
                String text = random.ints(1 + random.nextInt(150), 0, 16).mapToObj(c -> c < 15 ? "abc".substring(c % 3, c % 3 + 1) : "x")
                        .reduce("", String::concat);
                assertArrayEquals(vocabulary.plainly(text), encode(model, text), text);
            }
        }
    }

    /** Work that grew as the square of the length would take hours here. */
    @Test
    void longPieces() {
        Vocabulary vocabulary = new Vocabulary(new Random(3), 40, 1000);
        BpeModel model = vocabulary.model();
        String text = "abcacb".repeat(300_000);
        int[] ids = encode(model, text);
        Map<Integer, Integer> lengths = new HashMap<>();
        vocabulary.ids.forEach((token, id) -> lengths.put(id, token.length()));
        assertEquals(text.length(), IntStream.of(ids).map(lengths::get).sum());
        assertEquals(400_000, encode(model, "\u00e9\u00e8".repeat(100_000)).length, "two bytes each");
    }

    @Test
    void wholePiecesAndUnknownCharacters() {
        var builder = new BpeBuilder(5, 4);
        builder.token("a", 0);
        builder.token("b", 1);
        builder.unknown(4, true);
        builder.merge("a", 0, "b", 1, 0, 2, false);
        builder.takeWhole(piece -> piece.equals("ba") ? 3 : -1);
        BpeModel model = builder.build();
        assertArrayEquals(new int[] {3}, encode(model, "ba"));
        assertArrayEquals(new int[] {1, 2}, encode(model, "bab"));
        assertArrayEquals(new int[] {4, 2, 4}, encode(model, "xyabz"));
        assertArrayEquals(new int[] {4, 2, 4}, encode(model, "x".repeat(100) + "ab" + "\ud83e\udd99".repeat(100)), "fused however far");
    }

    @Test
    void charactersThatAreLeftOutLetTheirNeighboursMeet() {
        var builder = new BpeBuilder(3, 4);
        builder.token("a", 0);
        builder.token("b", 1);
        builder.merge("a", 0, "b", 1, 0, 2, false);
        assertArrayEquals(new int[] {2}, encode(builder.build(), "a" + "\u4f60".repeat(60) + "b"));
    }

    @Test
    void junctionsNeverMissOne() {
        Junctions junctions = new Junctions();
        Random random = new Random(1);
        int[] left = random.ints(5000, 0, 0x20000).toArray();
        int[] right = random.ints(5000, 0, 0x20000).toArray();
        for (int i = 0; i < left.length; i++) {
            junctions.add(left[i], right[i]);
        }
        for (int i = 0; i < left.length; i++) {
            assertTrue(junctions.mayJoin(left[i], right[i]));
        }
        long wrong = random.ints(10_000, 0, 0x20000).filter(c -> junctions.mayJoin(c, c + 7)).count();
        assertFalse(wrong > 500, "cuts are found: " + wrong);
    }
}
