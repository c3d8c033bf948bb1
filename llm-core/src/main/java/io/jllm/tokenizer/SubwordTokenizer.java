package io.jllm.tokenizer;

import java.util.Arrays;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;

/** Cuts out the tokens written in a text, has the native model encode what lies between, and decodes by the table. */
final class SubwordTokenizer implements Tokenizer {
    private final Vocabulary vocabulary;
    private final Segment.Splitter splitter;
    private final DjlModel model;
    private final Frame frame;
    private final boolean dropsLeadingSpace;

    /**
     * What goes around a prompt, and what ends a generation.
     *
     * @param before ids put before a prompt, a beginning-of-sequence token as a rule
     * @param after ids put after it, none as a rule
     */
    record Frame(OptionalInt bos, int[] before, int[] after, Set<Integer> eos) {
        Frame {
            eos = Set.copyOf(eos);
        }
    }

    /** @param dropsLeadingSpace whether the vocabulary puts a space before a text, which decoding takes away */
    SubwordTokenizer(Vocabulary vocabulary, Segment.Splitter splitter, DjlModel model, Frame frame, boolean dropsLeadingSpace) {
        this.vocabulary = vocabulary;
        this.splitter = splitter;
        this.model = model;
        this.frame = frame;
        this.dropsLeadingSpace = dropsLeadingSpace;
    }

    @Override
    public int[] encode(String text, boolean addBos, boolean parseSpecial) {
        IntStream.Builder ids = IntStream.builder();
        if (addBos) {
            Arrays.stream(frame.before).forEach(ids);
        }
        for (Segment segment : splitter.split(text, parseSpecial)) {
            switch (segment) {
                case Segment.Token t -> ids.add(t.id());
                case Segment.Text t -> {
                    for (long id : model.encode(t.text())) {
                        if (id < vocabulary.size()) { // those past the end stand for what the vocabulary has no token for
                            ids.add((int) id);
                        }
                    }
                }
            }
        }
        if (addBos) {
            Arrays.stream(frame.after).forEach(ids);
        }
        return ids.build().toArray();
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
        model.close();
    }
}
