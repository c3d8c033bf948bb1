/** LLM inference inside the JVM: the API, the engine, model families, tokenizers and the backend SPI. */
module io.jllm.core {
    requires transitive io.jllm.quant;
    requires transitive io.jllm.sampling;
    requires com.google.gson;
    requires ai.djl.tokenizers;
    requires static jdk.jfr; // events where it is there
    requires org.slf4j; // not read here: DJL needs it, and its automatic module does not say so

    exports io.jllm;
    exports io.jllm.convert;
    exports io.jllm.model;
    exports io.jllm.spi;
    exports io.jllm.tokenizer;

    uses io.jllm.spi.BackendProvider;
}
