/** The CPU backend: GGUF formats as they are, on all cores, with the Vector API where the JVM offers it. */
module io.jllm.cpu {
    requires transitive io.jllm.core;
    requires static jdk.incubator.vector;

    exports io.jllm.cpu;

    provides io.jllm.spi.BackendProvider with io.jllm.cpu.CpuBackendProvider;
}
