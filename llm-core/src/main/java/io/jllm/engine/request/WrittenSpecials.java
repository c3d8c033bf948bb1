package io.jllm.engine.request;

import io.jllm.tokenizer.StreamingDetokenizer;
import io.jllm.tokenizer.Tokenizer;

/** Text in which special tokens stand as the vocabulary writes them. */
final class WrittenSpecials implements StreamingDetokenizer {
    private final Tokenizer tokenizer;
    private final StreamingDetokenizer plain;

    WrittenSpecials(Tokenizer tokenizer) {
        this(tokenizer, tokenizer.detokenizer());
    }

    private WrittenSpecials(Tokenizer tokenizer, StreamingDetokenizer plain) {
        this.tokenizer = tokenizer;
        this.plain = plain;
    }

    @Override
    public String push(int id) {
        return id < tokenizer.vocabSize() && tokenizer.isSpecial(id) ? plain.finish() + tokenizer.token(id) : plain.push(id);
    }

    @Override
    public String finish() {
        return plain.finish();
    }

    @Override
    public StreamingDetokenizer fork() {
        return new WrittenSpecials(tokenizer, plain.fork());
    }
}
