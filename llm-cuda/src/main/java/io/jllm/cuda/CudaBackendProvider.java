package io.jllm.cuda;

import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.CudaException;
import io.jllm.cuda.driver.Device;
import io.jllm.cuda.driver.Driver;
import io.jllm.cuda.driver.OutOfDeviceMemoryException;
import io.jllm.cuda.kernels.KernelImages;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider;
import java.util.Optional;

/**
 * Computes on an NVIDIA device; needs its driver and nothing else. Batch invariance holds but for near ties: kernels for few rows
 * and for many add in another order, and those for more than 64 rows round activations to 16 bits.
 */
public final class CudaBackendProvider implements BackendProvider {
    /** Above any processor's. */
    private static final int SCORE = 100;
    /** With less than this free a device is of no use: its context, kernels and buffers alone take as much. */
    private static final long LEAST_MEMORY = 512L << 20;

    /** For the service loader. */
    public CudaBackendProvider() {
    }

    @Override
    public String name() {
        return "cuda";
    }

    /**
     * Whether the first device can be used. Starts it, to see its free memory, and keeps it started for some seconds, since it is usually opened
     * next.
     */
    @Override
    public Probe probe() {
        return probe(KernelImages.packaged());
    }

    /** Whether the first device can run those kernels. */
    static Probe probe(KernelImages images) {
        if (images.missing().isPresent()) {
            return new Probe.Unavailable(images.missing().get());
        }
        return switch (Driver.probe(images.oldestDriver())) {
            case Driver.State.Absent a -> new Probe.Unavailable(a.reason());
            case Driver.State.Ready _ -> start(images);
        };
    }

    private static Probe start(KernelImages images) {
        try {
            Device device = Device.of(0);
            Optional<String> unsupported = unsupported(images, device);
            if (unsupported.isPresent()) {
                return new Probe.Unavailable(unsupported.get());
            }
            Context context = StartedDevice.take(device);
            StartedDevice.keep(context);
            long free = context.freeMemory();
            if (free >= LEAST_MEMORY) {
                return new Probe.Available(SCORE, device.name());
            }
            StartedDevice.release();
            return new Probe.Unavailable(device.name() + " has " + free + " bytes of free memory, at least " + LEAST_MEMORY
                    + " are needed: end what else uses it (nvidia-smi lists that)");
        } catch (OutOfDeviceMemoryException e) {
            return new Probe.Unavailable("the device's memory is taken: end what else uses it (nvidia-smi lists that); " + e.getMessage());
        } catch (CudaException e) {
            return new Probe.Unavailable("the device does not start: " + e.getMessage());
        }
    }

    /** Why the kernels do not run on a device; empty if they do. */
    static Optional<String> unsupported(KernelImages images, Device device) {
        return images.image(device.capability()).isPresent() ? Optional.empty()
                : Optional.of(device.name() + " has compute capability " + capability(device.capability()) + ", the kernels of this build need "
                        + String.join(" or ", images.cubins().stream().map(c -> capability(Integer.parseInt(c.replaceAll("\\D", "")))).toList())
                        + " or from " + capability(images.ptx()) + " on");
    }

    private static String capability(int number) {
        return number / 10 + "." + number % 10;
    }

    /**
     * Opens it.
     *
     * @param options threads 0 (it has no choice of them); kernels {@code auto}; the index of the device; activations any, but {@code float} only
     *        for weights that are floats. In steps of more than 64 tokens all weights but those of 32 bits meet activations of 16 bits, by tensor
     *        cores that add in 32 bits; {@code float} gives these activations twice the bits, at twice the time. In smaller steps weights that are
     *        floats meet floats, the others activations of 8 bits
     * @throws IllegalArgumentException if a choice is out of range; the message says what is possible
     * @throws IllegalStateException if the device cannot be used; the message says why
     */
    @Override
    public Backend open(BackendOptions options) {
        return CudaBackend.open(options);
    }
}
