package io.jllm.cpu;

import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider;

/** skeleton */
public final class CpuBackendProvider implements BackendProvider {
    @Override public String name() { return "cpu"; }
    @Override public Probe probe() { return new Probe.Unavailable("skeleton"); }
    @Override public Backend open(BackendOptions options) { throw new UnsupportedOperationException("skeleton"); }
}
