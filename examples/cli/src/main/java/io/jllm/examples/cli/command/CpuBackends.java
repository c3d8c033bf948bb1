package io.jllm.examples.cli.command;

import io.jllm.examples.cli.output.BadInput;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider;
import io.jllm.spi.BackendProvider.BackendOptions;
import java.util.ServiceLoader;

/** The CPU's backend, for commands that look into a model while it runs. */
final class CpuBackends {
    private CpuBackends() {
    }

    /**
     * Opens it.
     *
     * @param threads that compute; 0 for one for each core
     * @param kernels which ones, or "auto"
     */
    static Backend open(int threads, String kernels) {
        return ServiceLoader.load(BackendProvider.class).stream().map(ServiceLoader.Provider::get).filter(p -> p.name().equals("cpu")).findFirst()
                .orElseThrow(() -> new BadInput("the cpu backend is not on the class path, and this command needs it"))
                .open(new BackendOptions(threads, kernels, 0));
    }
}
