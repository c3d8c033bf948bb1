/** A small model that comes as a resource, so that tests and examples run with no download. */
module io.jllm.demo {
    exports io.jllm.demo;
}
