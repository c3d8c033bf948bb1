/** An application; its backends are found as services. */
module io.jllm.examples.deployment {
    requires io.jllm.core;
}
