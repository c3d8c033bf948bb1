package io.jllm.cpu.machine;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.ScalarKernels;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.json.FileErrors;
import io.jllm.quant.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Machine code that rearranges weights of a file that was cut short meanwhile: an error, where the system would end the process. */
class LostPagesTest {
    private static final int ROWS = 64;
    private static final int COLS = 1024;
    /** Until it is compiled, by both compilers: then errors come at other times. */
    private static final int ROUNDS = 700;

    @TempDir
    private Path dir;

    @Test
    void packingFromAFileThatIsGone() throws IOException {
        List<CpuKernels> all = Arrays.stream(Isa.values()).flatMap(i -> MachineKernels.of(i).stream())
                .<CpuKernels>map(m -> new MachineTier(m, new ScalarKernels())).toList();
        Assumptions.assumeFalse(all.isEmpty(), () -> "skipped: " + MachineKernels.whyNot(Isa.AVX2));
        for (int round = 0; round < ROUNDS; round++) {
            for (CpuKernels kernels : all) {
                for (WeightFormat format : WeightFormat.all()) {
                    pack(kernels, format);
                }
            }
        }
    }

    private void pack(CpuKernels kernels, WeightFormat format) throws IOException {
        Path file = dir.resolve(format.name());
        long bytes = format.type().bytes((long) ROWS * COLS);
        try (var arena = Arena.ofShared();
                var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), bytes - 1);
            var t = new Tensor("w", format.type(), ROWS, COLS, channel.map(FileChannel.MapMode.READ_ONLY, 0, bytes, arena));
            channel.truncate(0);
            var matrix = PackedMatrix.of(format, arena.allocate(format.bytes(ROWS, COLS), 64), ROWS, COLS);
            var products = kernels.packed(format).orElseThrow();
            var e = assertThrows(InternalError.class, () -> products.pack(matrix, t, 0, matrix.groups()), format.name());
            assertTrue(FileErrors.isLost(e), e.toString());
        }
    }
}
