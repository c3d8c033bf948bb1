/** LLM inference inside the JVM: the API, the engine, model families, tokenizers and the backend SPI. */
module io.jllm.core {
    requires transitive io.jllm.quant;
    requires transitive io.jllm.sampling;
    requires com.google.gson;
    requires static jdk.jfr; // events where it is there

    exports io.jllm;
    exports io.jllm.adapter;
    exports io.jllm.batch;
    exports io.jllm.chat;
    exports io.jllm.chat.answer;
    exports io.jllm.chat.tools;
    exports io.jllm.constraint;
    exports io.jllm.convert;
    exports io.jllm.convert.packed;
    exports io.jllm.embedding;
    exports io.jllm.load;
    exports io.jllm.model;
    exports io.jllm.schema;
    exports io.jllm.spi;
    exports io.jllm.tokenizer;
    exports io.jllm.tokenizer.gguf;
    exports io.jllm.tokenizer.huggingface;

    uses io.jllm.spi.BackendProvider;
}
