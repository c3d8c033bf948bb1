package io.jllm.cuda;

import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider.BackendOptions;
import io.jllm.spi.BackendProvider.Probe;
import java.nio.file.Files;
import java.nio.file.Path;
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

    /** A file of other projects' models; skips the test where they are not given. */
    static Path shared(String name) {
        String root = System.getProperty("jllm.shared", "");
        Assumptions.assumeTrue(!root.isEmpty() && Files.exists(Path.of(root, name)),
                "skipped: " + name + " is looked for in the folder -Djllm.shared=FOLDER, which is not given or has none");
        return Path.of(root, name);
    }
}
