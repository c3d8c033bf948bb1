package io.jllm.engine;

import io.jllm.tokenizer.StreamingDetokenizer;
import io.jllm.tokenizer.Tokenizer;
import java.util.OptionalInt;
import java.util.Set;

/** A tokenizer for tests: token i is the letter 'a' + i; token 0 ends a sequence, has no text and is written {@code <end>}. */
public final class LetterTokenizer implements Tokenizer, StreamingDetokenizer {
    public static final int VOCAB = 26;
    static final int EOS = 0;

    private final Runnable encodes;

    public LetterTokenizer() {
        this(() -> {
        });
    }

    /** @param encodes called when a text is encoded */
    public LetterTokenizer(Runnable encodes) {
        this.encodes = encodes;
    }

    @Override
    public int[] encode(String text, boolean addBos, boolean parseSpecial) {
        encodes.run();
        return text.chars().map(c -> c - 'a').toArray();
    }

    @Override
    public String decode(int[] ids) {
        var out = new StringBuilder();
        for (int id : ids) {
            out.append(push(id));
        }
        return out.toString();
    }

    @Override
    public StreamingDetokenizer detokenizer() {
        return this;
    }

    @Override
    public String token(int id) {
        return id == EOS ? "<end>" : push(id);
    }

    @Override
    public byte[] bytes(int id) {
        return push(id).getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }

    @Override
    public boolean isSpecial(int id) {
        return id == EOS;
    }

    @Override
    public int vocabSize() {
        return VOCAB;
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
        return Set.of(EOS);
    }

    @Override
    public void close() {
        // holds nothing
    }

    @Override
    public String push(int id) {
        return id == EOS ? "" : Character.toString('a' + id);
    }

    @Override
    public String finish() {
        return "";
    }

    @Override
    public StreamingDetokenizer fork() {
        return this;
    }
}
