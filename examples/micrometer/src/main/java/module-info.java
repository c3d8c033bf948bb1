/** What engines do, as meters of Micrometer. */
module io.jllm.micrometer {
    requires transitive io.jllm.core;
    requires transitive micrometer.core;

    exports io.jllm.micrometer;
}
