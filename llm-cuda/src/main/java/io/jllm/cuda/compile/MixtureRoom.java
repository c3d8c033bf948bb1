package io.jllm.cuda.compile;

import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.GroupKernels;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.MixtureKernels;
import io.jllm.cuda.kernels.TensorKernels;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.Program;
import io.jllm.spi.Backend.RunnerOptions;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Device memory for mixtures of experts, of which one is computed at a time: groups of pairs of a row and an expert, rows of 16 bits with their
 * scales, and what experts make of them before it is added up.
 *
 * @param address where it starts
 * @param sizes bytes of its parts, as {@link GroupKernels.Room} has them
 * @param fewRows most rows for kernels of some rows
 * @param rows most rows
 * @param pieces of a row of 16 bits for kernels of many rows
 */
public record MixtureRoom(long address, List<Long> sizes, int fewRows, int rows, int pieces) {
    private static final int ALIGNMENT = 256;
    private static final int FEW_PIECES = 2;

    /**
     * What a program needs, at no address yet; nothing if it has no mixtures that are compiled as a whole.
     *
     * @param tensors whether steps of many rows have kernels of their own
     * @param pieces of a row there
     */
    public static Optional<MixtureRoom> of(Program program, WeightPlan plan, Kernels kernels, RunnerOptions options, boolean tensors, int pieces) {
        int rows = options.maxTokensPerStep();
        List<Mixture> all = Mixture.all(program, plan);
        if (all.isEmpty()) {
            return Optional.empty();
        }
        int fewRows = tensors ? Math.min(rows, TensorKernels.MOST_FEWER) : rows;
        var sizes = new long[7];
        for (Mixture m : all) {
            long pairs = (long) rows * m.slots();
            long few = (long) FEW_PIECES * fewRows * Math.max(GroupKernels.fewPitch(m.gateUp().in().width()),
                    (long) m.slots() * GroupKernels.fewPitch(m.inner()));
            long many = (long) rows * Math.max(TensorKernels.pitch(kernels, m.gateUp().in().width(), pieces),
                    (long) m.slots() * TensorKernels.pitch(kernels, m.inner(), pieces));
            larger(sizes, GroupKernels.tileBytes(m.sum().experts(), pairs), (m.sum().experts() + 1L) * Integer.BYTES,
                    (long) MixtureKernels.counts(m.sum().experts(), m.slots(), fewRows) * Integer.BYTES,
                    (long) m.sum().experts() * rows * Integer.BYTES,
                    Math.max(few, tensors ? many : 0) * Short.BYTES, pairs * Float.BYTES, pairs * m.sum().weight().rows() * Float.BYTES);
        }
        return Optional.of(new MixtureRoom(0, Arrays.stream(sizes).boxed().toList(), fewRows, rows, pieces));
    }

    private static void larger(long[] sizes, long... others) {
        for (int i = 0; i < sizes.length; i++) {
            sizes[i] = Math.max(sizes[i], Math.ceilDiv(others[i], ALIGNMENT) * ALIGNMENT);
        }
    }

    /** The same in memory, which becomes zero. */
    public MixtureRoom in(DeviceMemory memory, Stream stream) {
        memory.fill(stream, (byte) 0);
        return new MixtureRoom(memory.address(), sizes, fewRows, rows, pieces);
    }

    /** How much it is. */
    public long bytes() {
        return sizes.stream().mapToLong(Long::longValue).sum();
    }

    /** Its parts. */
    GroupKernels.Room parts() {
        return new GroupKernels.Room(address, from(1), from(2), from(3), from(4), from(5), from(6), fewRows, rows, pieces);
    }

    private long from(int part) {
        return address + sizes.subList(0, part).stream().mapToLong(Long::longValue).sum();
    }
}
