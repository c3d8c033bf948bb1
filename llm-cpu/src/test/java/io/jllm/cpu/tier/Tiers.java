package io.jllm.cpu.tier;

import org.junit.jupiter.api.Assumptions;

/** The tiers of kernels, for tests that go through them. */
public final class Tiers {
    private Tiers() {
    }

    /** Skips the test where this machine has no such kernels, and says why. */
    public static void assumeHere(String kernels) {
        try {
            KernelChoice.of(kernels);
        } catch (IllegalArgumentException e) {
            Assumptions.abort("skipped: " + e.getMessage());
        }
    }
}
