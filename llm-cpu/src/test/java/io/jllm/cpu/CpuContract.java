package io.jllm.cpu;

import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.quant.DType;
import io.jllm.spi.BackendContract;
import java.util.List;
import java.util.stream.Stream;

/** The contract with what this backend has beside the usual formats. */
abstract class CpuContract extends BackendContract {
    @Override
    protected List<DType> formats() {
        return Stream.concat(super.formats().stream(), Stream.of(DType.F8_64)).toList();
    }

    /** Whether rearranged weights of that type meet activations of 8 bits. */
    static boolean meetsBytes(DType type) {
        return WeightFormat.of(type).filter(f -> f.tokens() != TokenFormat.FLOATS).isPresent();
    }
}
