package io.jllm.spi;

/**
 * A kind of device that can run models; found with {@link java.util.ServiceLoader}. Its documentation says how far its backend keeps
 * batch invariance; see {@link Backend}.
 */
public interface BackendProvider {
    /** Short name, as users type it: {@code cpu}, {@code cuda}. */
    String name();

    /** Whether it can run here, and how well. Cheap; never throws. */
    Probe probe();

    /** Opens it. Call only where the probe said that it is available. */
    Backend open(BackendOptions options);

    /** The answer of a probe. */
    sealed interface Probe {
        /**
         * It can run here.
         *
         * @param score the highest of all providers is the default
         * @param device what it would run on, in words
         */
        record Available(int score, String device) implements Probe {
        }

        /**
         * It cannot.
         *
         * @param reason why, and what to do about it
         */
        record Unavailable(String reason) implements Probe {
        }
    }

    /**
     * Choices that a user can make for a backend.
     *
     * @param threads threads that compute; 0 lets the backend choose
     * @param kernels a backend's name for a set of kernels, or {@code auto}
     * @param device index of the device, for backends with several
     * @param memoryFraction the part of the device's memory that weights, pages and buffers may take together, above 0 and at most 1; for
     *        backends with memory of their own
     * @param activations what quantised weights are multiplied by
     */
    record BackendOptions(int threads, String kernels, int device, double memoryFraction, ActivationType activations) {
        /** As vLLM has it. */
        private static final double USUAL_FRACTION = 0.9;
        /** Everything chosen by the backend. */
        public static final BackendOptions DEFAULT = new BackendOptions(0, "auto", 0);

        /** Checks the range of the fraction. */
        public BackendOptions {
            if (!(memoryFraction > 0 && memoryFraction <= 1)) {
                throw new IllegalArgumentException("gpuMemoryFraction must be above 0 and at most 1, was " + memoryFraction);
            }
        }

        /** With the activations that the backend chooses. */
        public BackendOptions(int threads, String kernels, int device, double memoryFraction) {
            this(threads, kernels, device, memoryFraction, ActivationType.AUTO);
        }

        /** With the usual part of a device's memory, too. */
        public BackendOptions(int threads, String kernels, int device) {
            this(threads, kernels, device, USUAL_FRACTION);
        }

        /** With other activations. */
        public BackendOptions withActivations(ActivationType type) {
            return new BackendOptions(threads, kernels, device, memoryFraction, type);
        }
    }
}
