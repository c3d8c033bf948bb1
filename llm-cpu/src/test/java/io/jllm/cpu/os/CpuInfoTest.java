package io.jllm.cpu.os;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On an invented machine of four cores with two threads each: 0 and 4, 1 and 5, and so on. */
class CpuInfoTest {
    @TempDir
    Path root;

    @BeforeEach
    void machine() throws IOException {
        for (int cpu = 0; cpu < 8; cpu++) {
            Path topology = Files.createDirectories(root.resolve("sys/devices/system/cpu/cpu" + cpu + "/topology"));
            Files.writeString(topology.resolve("thread_siblings_list"), cpu % 4 + "," + (cpu % 4 + 4) + "\n");
        }
        Files.createDirectories(root.resolve("sys/devices/system/cpu/cpufreq"));
    }

    private void allow(String list) throws IOException {
        Files.createDirectories(root.resolve("proc/self"));
        Files.writeString(root.resolve("proc/self/status"), "Name:\tjava\nCpus_allowed:\tff\nCpus_allowed_list:\t" + list + "\n");
    }

    @Test
    void countsCoresAndNotTheirThreads() throws IOException {
        assertEquals(4, CpuInfo.physicalCores(root, 8));
        allow("0-7");
        assertEquals(4, CpuInfo.physicalCores(root, 8));
    }

    @Test
    void goesByTheAffinityMask() throws IOException {
        allow("0-1,4");
        assertEquals(2, CpuInfo.physicalCores(root, 3));
        allow("2,6");
        assertEquals(1, CpuInfo.physicalCores(root, 2));
    }

    @Test
    void neverExceedsAQuota() throws IOException {
        allow("0-7");
        assertEquals(1, CpuInfo.physicalCores(root, 1));
        assertEquals(3, CpuInfo.physicalCores(root, 3));
    }

    @Test
    void believesTheJvmWhereNothingCanBeRead() throws IOException {
        assertEquals(6, CpuInfo.physicalCores(root.resolve("absent"), 6));
        allow("nonsense");
        assertEquals(4, CpuInfo.physicalCores(root, 8));
        allow("40-41");
        assertEquals(2, CpuInfo.physicalCores(root, 2));
    }

    private void node(int number, String processors) throws IOException {
        Path folder = Files.createDirectories(root.resolve("sys/devices/system/node/node" + number));
        Files.writeString(folder.resolve("cpulist"), processors + "\n");
    }

    private List<String> nodes() {
        return CpuInfo.memoryNodes(root).stream().map(BitSet::toString).toList();
    }

    @Test
    void knowsWhichProcessorsAreNearToWhichMemory() throws IOException {
        assertEquals(List.of(), nodes());
        node(0, "0-1,4-5");
        node(10, "");
        node(2, "2-3,6-7");
        assertEquals(List.of("{0, 1, 4, 5}", "{2, 3, 6, 7}"), nodes());
        allow("1-2,6");
        assertEquals(List.of("{1}", "{2, 6}"), nodes());
        allow("2");
        assertEquals(List.of("{2}"), nodes());
    }
}
