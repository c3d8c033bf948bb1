package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.ModelLoadException;
import io.jllm.cpu.op.TokenSpace;
import io.jllm.cpu.os.SystemMemory;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.TinyModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryBudgetTest {
    private static final Program PROGRAM = TinyModels.program(TinyModels.config(50));
    /** 2 layers of keys and values, 2 heads of 16, 8 positions. */
    private static final long BLOCK = 2L * 2 * 2 * 16 * 8 * Float.BYTES;

    private static RunnerOptions options(int maxBlocks, long kvBytes) {
        return new RunnerOptions(4, 1, 1, 8, maxBlocks, kvBytes, DType.F32);
    }

    @Test
    void noMoreThanNeeded() {
        assertEquals(10, MemoryBudget.blocks(PROGRAM, options(10, 0), 1 << 20, TokenSpace.NONE, 1L << 40));
        assertEquals(10, MemoryBudget.blocks(PROGRAM, options(10, 100 * BLOCK), 1 << 20, TokenSpace.NONE, 1L << 40));
    }

    @Test
    void noMoreThanAllowed() {
        assertEquals(3, MemoryBudget.blocks(PROGRAM, options(10, 4 * BLOCK - 1), 1 << 20, TokenSpace.NONE, 0));
    }

    @Test
    void aShareOfTheMemoryThatIsLeft() {
        int blocks = MemoryBudget.blocks(PROGRAM, options(Integer.MAX_VALUE, 0), 1 << 20, TokenSpace.NONE, (1 << 20) + 1000 * BLOCK);
        assertTrue(blocks > 500 && blocks < 800, "" + blocks);
    }

    @Test
    void notOneBlockIsAnErrorWithAllNumbers() {
        String limited = assertThrows(IllegalArgumentException.class,
                () -> MemoryBudget.blocks(PROGRAM, options(9, 5), 123_456, TokenSpace.NONE, 1 << 30)).getMessage();
        for (String part : new String[] {" 5 ", "" + BLOCK, "123456", "raise kvCache"}) {
            assertTrue(limited.contains(part), limited);
        }
        String full = assertThrows(ModelLoadException.class,
                () -> MemoryBudget.blocks(PROGRAM, options(9, 0), 123_456, TokenSpace.NONE, 1000)).getMessage();
        assertTrue(full.contains("123456") && full.contains("maxContext"), full);
    }

    @Test
    void memoryOfMachinesAndContainers(@TempDir Path root) throws IOException {
        write(root, "proc/meminfo", "MemTotal:       16000 kB\nMemFree:  10 kB\nMemAvailable:    8000 kB\n");
        assertEquals(8000L * 1024, SystemMemory.available(root));
        write(root, "proc/self/cgroup", "0::/\n");
        write(root, "sys/fs/cgroup/memory.max", "max\n");
        assertEquals(8000L * 1024, SystemMemory.available(root));
        write(root, "sys/fs/cgroup/memory.max", "1000000\n");
        write(root, "sys/fs/cgroup/memory.current", "900000\n");
        assertEquals(100_000, SystemMemory.available(root));
        write(root, "sys/fs/cgroup/memory.stat", "anon 5\ninactive_file 400000\n");
        assertEquals(500_000, SystemMemory.available(root));
        write(root, "proc/self/cgroup", "12:cpu,cpuacct:/\n5:hugetlb,memory:/\n0::/\n");
        write(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "300000\n");
        assertEquals(300_000, SystemMemory.available(root));
        write(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assertEquals(500_000, SystemMemory.available(root));
    }

    @Test
    void limitsOfTheProcessesOwnGroupAndOfThoseAroundIt(@TempDir Path root) throws IOException {
        write(root, "proc/meminfo", "MemAvailable:    8000 kB\n");
        write(root, "proc/self/cgroup", "0::/system.slice/our.service\n");
        write(root, "sys/fs/cgroup/system.slice/our.service/memory.max", "1000000\n");
        write(root, "sys/fs/cgroup/system.slice/other.service/memory.max", "10\n");
        assertEquals(1_000_000, SystemMemory.available(root));
        write(root, "sys/fs/cgroup/system.slice/memory.max", "700000\n");
        write(root, "sys/fs/cgroup/system.slice/memory.current", "100000\n");
        assertEquals(600_000, SystemMemory.available(root));
        write(root, "proc/self/cgroup", "4:memory:/docker/0123\n");
        write(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "500000\n"); // the container sees its group as the outermost
        assertEquals(500_000, SystemMemory.available(root));
        write(root, "proc/self/cgroup", "4:memory:/../..\nnonsense\n");
        assertEquals(500_000, SystemMemory.available(root));
    }

    @Test
    void withoutProcAnEstimate(@TempDir Path root) {
        assertTrue(SystemMemory.available(root) > 1 << 20);
    }

    private static void write(Path root, String file, String text) throws IOException {
        Files.createDirectories(root.resolve(file).getParent());
        Files.writeString(root.resolve(file), text);
    }
}
