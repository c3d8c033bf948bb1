/** The CUDA backend: NVIDIA devices through the driver alone, with kernels of our own. */
module io.jllm.cuda {
    requires transitive io.jllm.core;

    exports io.jllm.cuda;

    provides io.jllm.spi.BackendProvider with io.jllm.cuda.CudaBackendProvider;
}
