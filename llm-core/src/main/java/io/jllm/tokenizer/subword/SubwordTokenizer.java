package io.jllm.tokenizer.subword;

import io.jllm.tokenizer.StreamingDetokenizer;
import io.jllm.tokenizer.TextPiece;
import io.jllm.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

/** Cuts out the tokens written in a text, has the model encode what lies between, and decodes by the table. */
public final class SubwordTokenizer implements Tokenizer {
    /** As a rule, or more. */
    private static final int CHARACTERS_A_TOKEN = 3;

    private final Vocabulary vocabulary;
    private final Segment.Splitter splitter;
    private final Encoder encoder;
    private final Frame frame;
    private final boolean dropsLeadingSpace;
    private volatile boolean closed;

    /**
     * What goes around a prompt, and what ends a generation.
     *
     * @param before ids put before a prompt, a beginning-of-sequence token as a rule
     * @param after ids put after it, none as a rule
     */
    public record Frame(OptionalInt bos, int[] before, int[] after, Set<Integer> eos) {
        public Frame {
            eos = Set.copyOf(eos);
        }
    }

    /** @param dropsLeadingSpace whether the vocabulary puts a space before a text, which decoding takes away */
    public SubwordTokenizer(Vocabulary vocabulary, Segment.Splitter splitter, Encoder encoder, Frame frame, boolean dropsLeadingSpace) {
        this.vocabulary = vocabulary;
        this.splitter = splitter;
        this.encoder = encoder;
        this.frame = frame;
        this.dropsLeadingSpace = dropsLeadingSpace;
    }

    @Override
    public int[] encode(String text, boolean addBos, boolean parseSpecial) {
        return encode(text, addBos, parseSpecial ? Trust.ALL : Trust.NONE);
    }

    @Override
    public int[] encode(List<TextPiece> pieces, boolean addBos) {
        String text = pieces.stream().map(TextPiece::text).collect(Collectors.joining());
        return encode(text, addBos, Trust.of(pieces));
    }

    private int[] encode(String text, boolean addBos, Trust trust) {
        if (closed) {
            throw new IllegalStateException("the tokenizer is closed");
        }
        Ids ids = new Ids(frame.before.length + frame.after.length + text.length() / CHARACTERS_A_TOKEN + 1);
        if (addBos) {
            Arrays.stream(frame.before).forEach(ids);
        }
        for (Segment segment : splitter.split(Encoder.withoutLoneSurrogates(text), trust)) {
            switch (segment) {
                case Segment.Token t -> ids.accept(t.id());
                case Segment.Text t -> encoder.encode(t.text(), t.first(), ids);
            }
        }
        if (addBos) {
            Arrays.stream(frame.after).forEach(ids);
        }
        return ids.toArray();
    }

    @Override
    public String decode(int[] ids) {
        String text = decodeContinuation(ids);
        return dropsLeadingSpace && text.startsWith(" ") ? text.substring(1) : text;
    }

    @Override
    public StreamingDetokenizer detokenizer() {
        return new TableDetokenizer(vocabulary);
    }

    @Override
    public String token(int id) {
        return vocabulary.text(id);
    }

    @Override
    public byte[] bytes(int id) {
        return vocabulary.bytes(id);
    }

    @Override
    public boolean isSpecial(int id) {
        return vocabulary.isSpecial(id);
    }

    @Override
    public int vocabSize() {
        return vocabulary.size();
    }

    @Override
    public OptionalInt bos() {
        return frame.bos;
    }

    @Override
    public boolean addsBos() {
        return frame.bos.isPresent() && Arrays.stream(frame.before).anyMatch(id -> id == frame.bos.getAsInt());
    }

    @Override
    public Set<Integer> eos() {
        return frame.eos;
    }

    @Override
    public void close() {
        closed = true;
    }
}
