package io.jllm.cpu.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.PackedContract;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.ScalarKernels;
import io.jllm.cpu.layout.Numbers;
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
    void makesFloatsOfAllIntegersByItself() {
        for (Isa isa : Isa.values()) {
            MachineKernels.of(isa).ifPresent(machine -> {
                for (WeightFormat format : WeightFormat.all()) {
                    boolean integers = format.numbers() instanceof Numbers.Integers;
                    assertEquals(integers, machine.decoder(format).isPresent(), () -> machine.name() + ", " + format);
                }
            });
        }
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

    /**
     * Packed bytes are those of the file, scales and all, but where a scale in half precision becomes a float, which is two a block more; and
     * where scales of 6 bits become bytes: four a block more in Q3_K, two in IQ4_XS. Scales and zeros of whole
     * numbers fill cache lines, which is a byte a block more where fewer than four blocks of 32 have their own. The factor of a matrix in NVFP4
     * is there once for four blocks.
     */
    @Test
    void takesAsMuchRoomAsTheFile() {
        for (DType type : WeightFormat.types()) {
            long file = type.bytes(4096L * 4096);
            long packed = WeightFormat.of(type).orElseThrow().bytes(4096, 4096);
            long more = switch (type) {
                case Q6_K -> 2;
                case Q3_K -> 2 + 4;
                case IQ4_XS -> 2 + 2;
                case U2_64, U3_64, U4_64, U2_128, U3_128, U4_128 -> 1;
                case E2M1_64 -> -3;
                default -> 0;
            };
            assertEquals(file / type.blockBytes() * (type.blockBytes() + more), packed, type.name());
        }
    }
}
