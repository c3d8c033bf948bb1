package io.jllm.cuda;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cuda.driver.Device;
import io.jllm.cuda.kernels.KernelImages;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.BackendProvider.BackendOptions;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.TinyModels;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Kernels that do not fit their launchers, on a device. */
class CudaLaunchTest {
    private static final Program PROGRAM = TinyModels.program(TinyModels.config(100, 1, 64, 96, new Op.AttentionShape(4, 2, 16), 256, 0));

    private static ModelRunner load(CudaBackend backend) {
        return backend.load(PROGRAM, TinyModels.weights(PROGRAM, DType.Q8_0, 1), new RunnerOptions(16, 2, 16, 16, 8, 0, DType.F16));
    }

    @Test
    void aKernelWithOtherParametersIsRefusedByName() {
        OnDevice.assume();
        KernelImages whole = KernelImages.packaged();
        Optional<String> image = whole.image(Device.of(0).capability());
        Assumptions.assumeTrue(image.equals(Optional.of("90a")), () -> "skipped: the wrong kernel is for devices that run sm_90a, this one runs "
                + image);
        var files = new ArrayList<>(List.of("wrong"));
        files.addAll(whole.files());
        var images = new KernelImages(Optional.empty(), whole.version(), files, whole.only(), whole.names(), whole.cubins(), whole.ptx());
        try (CudaBackend backend = CudaBackend.open(BackendOptions.DEFAULT, images)) {
            String message = assertThrows(IllegalStateException.class, () -> load(backend)).getMessage();
            assertTrue(message.contains("embed_q8_0") && message.contains("parameter 3 is ids, a pointer of 8 bytes at 16")
                    && message.contains("4 bytes at 16 in the image"), message);
        }
        try (CudaBackend backend = CudaBackend.open(BackendOptions.DEFAULT, whole); ModelRunner runner = load(backend)) {
            assertTrue(runner.blocks() > 0);
        }
    }
}
