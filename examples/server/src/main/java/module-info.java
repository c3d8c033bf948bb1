/** A server for models: the protocols of OpenAI and Anthropic over HTTP. */
module io.jllm.server {
    requires transitive io.jllm.core;
    requires com.google.gson;
    requires jdk.httpserver;

    exports io.jllm.server;
}
