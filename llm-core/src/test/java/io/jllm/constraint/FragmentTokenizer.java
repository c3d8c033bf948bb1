package io.jllm.constraint;

import io.jllm.tokenizer.StreamingDetokenizer;
import io.jllm.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;

/**
 * A vocabulary for masks: each single byte, what JSON is often made of, fragments at random, tokens that begin or end within a character, and
 * two special tokens at the end. It does not encode.
 */
final class FragmentTokenizer implements Tokenizer {
    private static final List<String> OFTEN = List.of("\", \"", "\": ", "\":", "{\"", "\"}", "\"]", "},{", "true", "false", "null", "[\"", "ab",
            "the ", "name", "id", "value", "00", "12", "999", "-1", "2024", "é", "東", "😀", "\\n", "\\u00", ", ", "[]", "{}", "]]", "}}", "a\"");
    private static final String LETTERS = "abcdefghijklmnopqrstuvwxyzABC0123456789-_.:,\"{}[]@/ ";

    private final List<byte[]> tokens = new ArrayList<>();

    FragmentTokenizer(long seed) {
        var random = new Random(seed);
        for (int b = 0; b < 256; b++) {
            tokens.add(new byte[] {(byte) b});
        }
        OFTEN.forEach(t -> tokens.add(t.getBytes(StandardCharsets.UTF_8)));
        for (int i = 0; i < 400; i++) {
            var token = new StringBuilder();
            for (int k = 2 + random.nextInt(4); k > 0; k--) {
                token.append(LETTERS.charAt(random.nextInt(LETTERS.length())));
            }
            tokens.add(token.toString().getBytes(StandardCharsets.UTF_8));
        }
        tokens.add(new byte[] {'a', (byte) 0xC3});
        tokens.add(new byte[] {(byte) 0xA9, '"'});
        tokens.add("<call>".getBytes(StandardCharsets.UTF_8));
        tokens.add("<end>".getBytes(StandardCharsets.UTF_8));
    }

    /** A special token that does not end a text. */
    int call() {
        return tokens.size() - 2;
    }

    private int end() {
        return tokens.size() - 1;
    }

    /** The text of some tokens, special ones left out. */
    String text(List<Integer> ids) {
        var bytes = new ByteArrayOutputStream();
        ids.stream().filter(id -> !isSpecial(id)).forEach(id -> bytes.writeBytes(tokens.get(id)));
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Override
    public int[] encode(String text, boolean addBos, boolean parseSpecial) {
        throw new UnsupportedOperationException();
    }

    @Override
    public String decode(int[] ids) {
        throw new UnsupportedOperationException();
    }

    @Override
    public StreamingDetokenizer detokenizer() {
        throw new UnsupportedOperationException();
    }

    @Override
    public String token(int id) {
        return new String(tokens.get(id), StandardCharsets.UTF_8);
    }

    @Override
    public byte[] bytes(int id) {
        return isSpecial(id) ? new byte[0] : tokens.get(id).clone();
    }

    @Override
    public boolean isSpecial(int id) {
        return id >= call();
    }

    @Override
    public int vocabSize() {
        return tokens.size();
    }

    @Override
    public OptionalInt bos() {
        return OptionalInt.empty();
    }

    @Override
    public boolean addsBos() {
        return false;
    }

    @Override
    public Set<Integer> eos() {
        return Set.of(end());
    }

    @Override
    public void close() {
        // holds nothing
    }
}
