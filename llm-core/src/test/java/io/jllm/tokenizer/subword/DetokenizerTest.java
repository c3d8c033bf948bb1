package io.jllm.tokenizer.subword;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.tokenizer.Golden;
import io.jllm.tokenizer.StreamingDetokenizer;
import io.jllm.tokenizer.Tokenizer;
import io.jllm.tokenizer.gguf.GgufTokenizers;
import io.jllm.tokenizer.huggingface.HuggingFaceTokenizers;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DetokenizerTest {
    private static List<Tokenizer> tokenizers() {
        List<Tokenizer> all = new ArrayList<>();
        Golden.GGUFS.forEach(name -> all.add(GgufTokenizers.fromGguf(new GgufMetadata(Golden.metadata(name)))));
        Golden.FOLDERS.forEach(name -> all.add(HuggingFaceTokenizers.fromFolder(Golden.folder(name))));
        return all;
    }

    private static int[] randomIds(Random random, Tokenizer tokenizer) {
        return random.ints(random.nextInt(1, 40), 0, tokenizer.vocabSize() + 3).toArray();
    }

    private static String pieces(StreamingDetokenizer detokenizer, int[] ids) {
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            String piece = detokenizer.push(id);
            if (!piece.isEmpty()) {
                assertFalse(Character.isLowSurrogate(piece.charAt(0)), "a piece begins inside a code point");
                assertFalse(Character.isHighSurrogate(piece.charAt(piece.length() - 1)), "a piece ends inside a code point");
            }
            text.append(piece);
        }
        return text.toString();
    }

    @Test
    void piecesAreTheWholeHoweverItIsCut() {
        Random random = new Random(1);
        for (Tokenizer tokenizer : tokenizers()) {
            boolean dropsSpace = !tokenizer.decode(tokenizer.encode("the", false, false))
                    .equals(tokenizer.decodeContinuation(tokenizer.encode("the", false, false)));
            for (int n = 0; n < 2_000; n++) {
                int[] ids = randomIds(random, tokenizer);
                StreamingDetokenizer first = tokenizer.detokenizer();
                int cut = random.nextInt(ids.length + 1);
                String head = pieces(first, IntStream.range(0, cut).map(i -> ids[i]).toArray());
                StreamingDetokenizer branch = first.fork();
                int[] tail = IntStream.range(cut, ids.length).map(i -> ids[i]).toArray();
                String whole = head + pieces(first, tail) + first.finish();
                assertEquals(tokenizer.decodeContinuation(ids), whole);
                assertEquals(dropsSpace && whole.startsWith(" ") ? whole.substring(1) : whole, tokenizer.decode(ids));
                pieces(first, randomIds(random, tokenizer)); // must not disturb the branch
                assertEquals(whole, head + pieces(branch, tail) + branch.finish());
            }
            tokenizer.close();
        }
    }

    @Test
    void aContinuationGoesOnWhereThePromptEnds() {
        for (Tokenizer tokenizer : tokenizers()) {
            int[] prompt = tokenizer.encode("the cat");
            int[] more = tokenizer.encode("and  the wind, \u65e5\ud83e\udd99", false, false);
            int[] both = IntStream.concat(IntStream.of(prompt), IntStream.of(more)).toArray();
            assertEquals(tokenizer.decode(both), tokenizer.decode(prompt) + tokenizer.decodeContinuation(more));
            tokenizer.close();
        }
    }

    /** Against the decoder of the JDK, which makes one replacement for surrogates in UTF-8 where the standard makes three: left out. */
    @Test
    void brokenUtf8BecomesReplacementCharacters() {
        Random random = new Random(2);
        int[] leads = {0x00, 0x41, 0x7F, 0x80, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xE1, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF, 0x90, 0xA0, 0x8F};
        for (int n = 0; n < 20_000; n++) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            Utf8Decoder decoder = new Utf8Decoder();
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(1, 12); i > 0; i--) {
                byte b = (byte) leads[random.nextInt(leads.length)];
                bytes.write(b);
                decoder.feed(new byte[] {b}, text);
            }
            decoder.finish(text);
            assertEquals(bytes.toString(StandardCharsets.UTF_8), text.toString());
        }
        assertEquals("\uFFFD\uFFFD\uFFFD", decoded(0xED, 0xA0, 0x80)); // a surrogate
        assertEquals("\uFFFD\uFFFD\uFFFD", decoded(0xF0, 0x80, 0x80)); // overlong
        assertEquals("\uFFFDA", decoded(0xF0, 0x9F, 0xA6, 'A')); // cut short
        assertEquals("\ud83e\udd99", decoded(0xF0, 0x9F, 0xA6, 0x99));
    }

    private static String decoded(int... bytes) {
        Utf8Decoder decoder = new Utf8Decoder();
        StringBuilder text = new StringBuilder();
        for (int b : bytes) {
            decoder.feed(new byte[] {(byte) b}, text);
        }
        decoder.finish(text);
        return text.toString();
    }

    @Test
    void aCodePointIsHeldBackUntilItIsWhole() {
        try (Tokenizer tokenizer = GgufTokenizers.fromGguf(new GgufMetadata(Golden.metadata("gguf-sentence-piece")))) {
            int[] ids = tokenizer.encode("\ud83e\udd99", false, false);
            assertTrue(ids.length >= 4, "encoded by bytes");
            StreamingDetokenizer detokenizer = tokenizer.detokenizer();
            StringBuilder early = new StringBuilder();
            for (int i = 0; i + 1 < ids.length; i++) {
                early.append(detokenizer.push(ids[i]));
            }
            assertEquals(" ", early.toString());
            assertEquals("", detokenizer.push(tokenizer.bos().getAsInt()), "a special token between gives nothing and breaks nothing");
            assertEquals("\ud83e\udd99", detokenizer.push(ids[ids.length - 1]));
            assertEquals("", detokenizer.finish());
            detokenizer.push(ids[ids.length - 2]);
            detokenizer.push(ids[1]);
            assertEquals("\uFFFD", detokenizer.finish());
        }
    }
}
