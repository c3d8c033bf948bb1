package io.jllm.cuda.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KernelImagesTest {
    @Test
    void aFileForSomeDevicesIsLoadedOnThose() {
        var images = new KernelImages(Optional.empty(), 13000, List.of("a", "b"), Map.of("b", List.of("90a", "ptx")), Map.of(),
                List.of("80", "90a"), 80);
        assertEquals(List.of("a"), images.files("80"));
        assertEquals(List.of("a", "b"), images.files("90a"));
        assertEquals(List.of("a", "b"), images.files("ptx"));
    }

    @Test
    void onlyAFileWhoseNamesAreUnknownMayHaveAnyKernel() {
        var images = new KernelImages(Optional.empty(), 13000, List.of("a", "b"), Map.of(), Map.of("b", Set.of("gemm")), List.of("90a"), 80);
        assertTrue(images.mayHave("a", "gemv"));
        assertFalse(images.mayHave("b", "gemv"));
        assertTrue(images.mayHave("b", "gemm"));
    }

    /** Numbers are part of the contract with the kernels: a format keeps its own. */
    @Test
    void everyFormatHasANumberOfItsOwn() {
        assertEquals(DeviceFormat.values().length, Arrays.stream(DeviceFormat.values()).mapToInt(DeviceFormat::number).distinct().count());
        assertEquals(3, DeviceFormat.Q4_0.number());
    }
}
