package io.jllm.tokenizer.subword;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TextIndexTest {
    @Test
    void findsWhatWasAddedAndNothingElse() {
        String[] texts = IntStream.range(0, 1000).mapToObj(i -> "token " + i / 2 * 2).toArray(String[]::new);
        var index = new TextIndex(texts);
        assertEquals(-1, index.find("token 0"));
        for (int i = 0; i < texts.length; i++) {
            assertEquals(i % 2 == 0 ? -1 : i - 1, index.add(i));
        }
        for (int i = 0; i < texts.length; i++) {
            assertEquals(i / 2 * 2, index.find("token " + i / 2 * 2));
            assertEquals(-1, index.find("token " + (i / 2 * 2 + 1)));
        }
    }

    @Test
    void equalHashesAreNoEqualTexts() {
        var index = new TextIndex(new String[] {"AaAa", "BBBB", "AaBB", "BBAa"});
        for (int i = 0; i < 4; i++) {
            assertEquals(-1, index.add(i));
        }
        assertEquals(0, index.find("AaAa"));
        assertEquals(1, index.find("BBBB"));
        assertEquals(2, index.find("AaBB"));
        assertEquals(3, index.find("BBAa"));
    }

    @Test
    void mayBeEmpty() {
        assertEquals(-1, new TextIndex(new String[0]).find(""));
    }
}
