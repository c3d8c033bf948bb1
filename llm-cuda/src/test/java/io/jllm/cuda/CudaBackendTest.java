package io.jllm.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.KernelImages;
import io.jllm.quant.DType;
import io.jllm.spi.BackendProvider.Probe;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What can be said without a device. */
class CudaBackendTest {
    @Test
    void theProbeSaysWhatItFound() {
        switch (new CudaBackendProvider().probe()) {
            case Probe.Available a -> assertTrue(a.score() > 10 && !a.device().isBlank(), a.toString());
            case Probe.Unavailable u -> assertTrue(u.reason().contains("driver") || u.reason().contains("nvcc") || u.reason().contains("device"),
                    u.reason());
        }
    }

    @Test
    void anImageIsChosenByComputeCapability() {
        var images = new KernelImages(Optional.empty(), 13000, List.of("a"), Map.of(), Map.of(), List.of("80", "86", "90a", "120"), 80);
        assertEquals(Optional.of("90a"), images.image(90));
        assertEquals(Optional.of("80"), images.image(80));
        assertEquals(Optional.of("86"), images.image(89));
        assertEquals(Optional.of("ptx"), images.image(100));
        assertEquals(Optional.of("120"), images.image(121));
        assertEquals(Optional.empty(), images.image(75));
        assertEquals(13000, new KernelImages(Optional.empty(), 13020, List.of(), Map.of(), Map.of(), List.of(), 80).oldestDriver());
    }

    @Test
    void matricesTakeAboutWhatTheyTakeInTheFile() {
        for (DeviceFormat f : DeviceFormat.values()) {
            long file = f.type().bytes(4096L * 4096);
            double most = switch (f) { // what the enum says
                case TQ1_0 -> 66.1 / 54;
                case IQ3_S -> 114.1 / 110;
                case IQ4_XS -> 138.1 / 136;
                case U2_64, U2_128, U3_64, U3_128, U4_32, U4_64, U4_128 -> (f.type().blockBytes() + 1.1) / f.type().blockBytes();
                default -> 1.01;
            };
            double least = f == DeviceFormat.E2M1_64 ? 36.0 / 40 : 1; // the factor of a row is there once
            assertTrue(f.bytes(4096, 4096) >= least * file && f.bytes(4096, 4096) <= most * file, f.toString());
            assertTrue(f.bytes(5, 256) >= least * f.type().bytes(5 * 256), f.toString());
        }
        assertTrue(DeviceFormat.F16.asInFile(4096) && !DeviceFormat.F16.asInFile(7) && !DeviceFormat.Q4_0.asInFile(4096));
        assertEquals(Optional.of(DeviceFormat.Q2_K), DeviceFormat.of(DType.Q2_K));
        assertFalse(DeviceFormat.of(DType.NVFP4).isPresent());
    }
}
