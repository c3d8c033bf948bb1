package io.jllm.cuda;

import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.quant.WeightSource;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider.BackendOptions;
import io.jllm.spi.BackendProvider.Probe;
import io.jllm.spi.ModelRunner;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/** For tests that need a device: where there is none they are skipped, and say why. */
final class OnDevice {
    private static final Probe PROBE = new CudaBackendProvider().probe();

    private OnDevice() {
    }

    /** Skips the test where nothing can run. */
    static void assume() {
        Assumptions.assumeTrue(PROBE instanceof Probe.Available, () -> "skipped: " + (PROBE instanceof Probe.Unavailable u ? u.reason() : ""));
    }

    /** The first device. */
    static Backend open() {
        assume();
        return CudaBackend.open(BackendOptions.DEFAULT);
    }

    /** The first device, opened once for all tests: loading kernels takes longer than most of them. Closing it does nothing. */
    static Backend shared() {
        assume();
        return Shared.VIEW;
    }

    private static final class Shared {
        private static final Backend BACKEND = CudaBackend.open(BackendOptions.DEFAULT);
        private static final Backend VIEW = new Backend() {
            @Override
            public String name() {
                return "cuda";
            }

            @Override
            public String describe() {
                return BACKEND.describe();
            }

            @Override
            public String kernels() {
                return BACKEND.kernels();
            }

            @Override
            public DType kvType() {
                return BACKEND.kvType();
            }

            @Override
            public List<String> unsupported(Program program, WeightSource weights) {
                return BACKEND.unsupported(program, weights);
            }

            @Override
            public ModelRunner load(Program program, WeightSource weights, RunnerOptions options) {
                return BACKEND.load(program, weights, options);
            }

            @Override
            public void close() {
                // the JVM's end does it
            }
        };
    }

    /** A file of other projects' models; skips the test where they are not given. */
    static Path shared(String name) {
        String root = System.getProperty("jllm.shared", "");
        Assumptions.assumeTrue(!root.isEmpty() && Files.exists(Path.of(root, name)),
                "skipped: " + name + " is looked for in the folder -Djllm.shared=FOLDER, which is not given or has none");
        return Path.of(root, name);
    }
}
