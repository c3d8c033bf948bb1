package io.jllm.cuda;

import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendContract;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;

/** Every op on the device against the oracle. */
class CudaContractTest extends BackendContract {
    @BeforeEach
    void aDeviceIsThere() {
        OnDevice.assume();
    }

    @Override
    protected Backend open(int threads) {
        return OnDevice.shared();
    }

    @Override
    protected boolean quantises(DType type) {
        return type.isQuantized() && type != DType.F8_64;
    }

    /**
     * Steps of many tokens meet operands of 16 bits: activations lose up to a 2^11th of themselves, of BF16 a 2^8th; so do weights of blocks.
     * Levels of NF4 and FP4 are rounded to bytes, off by 0.004 of the scale at most.
     */
    @Override
    protected double manyTolerance(DType type) {
        return switch (type) {
            case F32 -> 0;
            case BF16 -> 5e-3;
            case NF4, FP4 -> 2e-2;
            default -> 1e-3;
        };
    }

    /** From 17 rows on F16 and F8_64 meet one number of 16 bits, BF16 always two; from 33 on F8_64 and blocks become f16: see the kernels' README. */
    @Override
    protected double rounded(DType type) {
        return switch (type) {
            case F16 -> 1e-3;
            case F8_64 -> 2e-3;
            case BF16 -> 1e-4;
            case F32 -> 0;
            case NF4, FP4 -> 3e-2;
            default -> 6e-3;
        };
    }

    /** Levels of NF4 and FP4 are rounded to bytes, which a sum of 64 products feels, where it is small. */
    @Override
    protected double approximated(DType type) {
        return type == DType.NF4 || type == DType.FP4 ? 0.1 : 0;
    }

    @Override
    protected boolean quantisesMany(DType type) {
        return false;
    }

    @Override
    protected boolean quantisesManyLogits(DType type) {
        return quantises(type);
    }

    @Override
    protected List<DType> formats() {
        return Arrays.stream(DeviceFormat.values()).map(DeviceFormat::type).filter(t -> Codec.of(t).isPresent()).toList();
    }

    @Override
    protected List<DType> kvTypes() {
        return List.of(DType.F32, DType.F16, DType.BF16, DType.F8_E4M3, DType.Q8_0);
    }

    /** Products of prompts' attention are of 16 bits; the README beside the kernels has the errors measured. */
    @Override
    protected double roundedToPages(DType kvType) {
        return switch (kvType) {
            case F16, F8_E4M3, Q8_0 -> 0x1p-9;
            case BF16 -> 0x1p-6;
            default -> 0;
        };
    }

    /** Sums are taken in other orders for few rows than for many; where a value lies between two bytes, it goes either way. */
    @Override
    protected double neighbourTolerance() {
        return 2e-2;
    }
}
