package io.jllm.cpu;

import io.jllm.cpu.os.CpuInfo;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider;

/**
 * Computes on the cores of this machine; available everywhere. Batch invariance is exact: with the same kernels, a request's tokens and
 * log-probabilities are the same to the last bit in any batch, in any chunks and with any number of threads.
 */
public final class CpuBackendProvider implements BackendProvider {
    /** Below any device made for the purpose. */
    private static final int SCORE = 10;

    /** For the service loader. */
    public CpuBackendProvider() {
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public Probe probe() {
        return new Probe.Available(SCORE, CpuInfo.model());
    }

    /**
     * Opens it.
     *
     * @param options threads 1 to 1024 or 0 for one each physical core; kernels {@code auto}, {@code avx512}, {@code avx2},
     *        {@code vector} or {@code scalar}; device 0; activations any, but scalar kernels have no {@code int8}
     * @throws IllegalArgumentException if a choice is out of range or not available here; the message lists what is
     */
    @Override
    public Backend open(BackendOptions options) {
        return new CpuBackend(options);
    }
}
