/** The CPU backend: GGUF formats on all cores, in machine code where the processor can, else with the Vector API where the JVM has it. */
module io.jllm.cpu {
    requires transitive io.jllm.core;
    requires static jdk.incubator.vector;

    exports io.jllm.cpu;

    provides io.jllm.spi.BackendProvider with io.jllm.cpu.CpuBackendProvider;
}
