package io.jllm.cpu.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.PackedContract;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.ScalarKernels;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Machine code of every instruction set that runs here, and how weights lie for it and others. */
class MachineKernelsTest extends PackedContract {
    @Override
    protected List<CpuKernels> kernels() {
        List<CpuKernels> all = Arrays.stream(Isa.values()).flatMap(i -> MachineKernels.of(i).stream())
                .<CpuKernels>map(m -> new MachineTier(m, new ScalarKernels())).toList();
        Assumptions.assumeFalse(all.isEmpty(), () -> "skipped: " + MachineKernels.whyNot(Isa.AVX2));
        return all;
    }

    @Test
    void decodesToTheSameFloatsAsTheCodec() {
        for (DType type : WeightFormat.types()) {
            int cols = type.isQuantized() ? cols(type, 160) : 75;
            Tensor t = weights(type, 37, cols);
            PackedMatrix w = pack(t);
            var row = new float[cols];
            for (int r = 0; r < 37; r++) {
                w.decode(r, row);
                float[] want = decoded(t, r);
                for (int i = 0; i < row.length; i++) {
                    same(want[i], row[i], type + ", row " + r + ", column " + i);
                }
            }
        }
    }

    /** With four bits, 8 bits or less for a weight, scales and all, packed bytes are those of the file; Q6_K has two a block more, IQ4_XS four. */
    @Test
    void takesAsMuchRoomAsTheFile() {
        for (DType type : WeightFormat.types()) {
            long file = type.bytes(4096L * 4096);
            long packed = WeightFormat.of(type).orElseThrow().bytes(4096, 4096);
            long want = switch (type) {
                case Q6_K -> file / 210 * 212;
                case IQ4_XS -> file / 136 * 140;
                default -> file;
            };
            assertEquals(want, packed, type.name());
        }
    }
}
