package io.jllm.tokenizer.subword;

import io.jllm.tokenizer.StreamingDetokenizer;

/** Looks up the bytes of each token, and gives out those that make whole code points. */
final class TableDetokenizer implements StreamingDetokenizer {
    private final Vocabulary vocabulary;
    private final Utf8Decoder decoder;

    TableDetokenizer(Vocabulary vocabulary) {
        this(vocabulary, new Utf8Decoder());
    }

    private TableDetokenizer(Vocabulary vocabulary, Utf8Decoder decoder) {
        this.vocabulary = vocabulary;
        this.decoder = decoder;
    }

    @Override
    public String push(int id) {
        StringBuilder out = new StringBuilder();
        decoder.feed(vocabulary.bytes(id), out);
        return out.toString();
    }

    @Override
    public String finish() {
        StringBuilder out = new StringBuilder(1);
        decoder.finish(out);
        return out.toString();
    }

    @Override
    public StreamingDetokenizer fork() {
        return new TableDetokenizer(vocabulary, decoder.copy());
    }
}
