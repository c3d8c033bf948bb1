package io.jllm.cuda.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class KernelImagesTest {
    @Test
    void aFileForSomeDevicesIsLoadedOnThose() {
        var images = new KernelImages(Optional.empty(), 13000, List.of("a", "b"), Map.of("b", List.of("90a", "ptx")), List.of("80", "90a"), 80);
        assertEquals(List.of("a"), images.files("80"));
        assertEquals(List.of("a", "b"), images.files("90a"));
        assertEquals(List.of("a", "b"), images.files("ptx"));
    }

    /** Numbers are part of the contract with the kernels: a format keeps its own. */
    @Test
    void everyFormatHasANumberOfItsOwn() {
        assertEquals(DeviceFormat.values().length, Arrays.stream(DeviceFormat.values()).mapToInt(DeviceFormat::number).distinct().count());
        assertEquals(3, DeviceFormat.Q4_0.number());
    }
}
