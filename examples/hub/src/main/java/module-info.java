/** Models by name, from Hugging Face's hub and ModelScope, into the caches that their own tools use. */
module io.jllm.hub {
    requires com.google.gson;
    requires java.net.http;

    exports io.jllm.hub;
}
