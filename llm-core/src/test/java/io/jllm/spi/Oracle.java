package io.jllm.spi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.adapter.Adapter;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.WeightShape;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.WholeNumbers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Runs a program on a backend and on the oracle, and compares all logits. */
final class Oracle {
    static final List<DType> FORMATS = List.of(DType.F32, DType.F16, DType.BF16, DType.Q4_0, DType.Q8_0, DType.Q4_K, DType.Q5_K,
            DType.Q6_K, DType.Q4_1, DType.Q5_0, DType.Q5_1, DType.Q2_K, DType.Q3_K);
    /** Blocks of these begin with a float. */
    private static final Set<DType> FLOAT_SCALES = Set.of(DType.NF4, DType.FP4, DType.S8_64, DType.F8_64);
    private static final int MAX_TOKENS = 160;
    private static final int SEQUENCES = 8;

    private Oracle() {
    }

    static Backend.RunnerOptions options(int blockSize, int blocks) {
        return options(blockSize, blocks, DType.F32);
    }

    static Backend.RunnerOptions options(int blockSize, int blocks, DType kvType) {
        return options(MAX_TOKENS, SEQUENCES, blockSize, blocks, kvType);
    }

    private static Backend.RunnerOptions options(int tokens, int sequences, int blockSize, int blocks, DType kvType) {
        return new Backend.RunnerOptions(tokens, sequences, tokens, blockSize, blocks, 0, kvType);
    }

    /** A random tensor; of a format without an encoder, random blocks of modest scales. */
    static Tensor random(String name, DType type, long rows, long cols, long seed) {
        var random = new Random(seed);
        if (Encoder.of(type).isPresent()) {
            var values = new float[Math.toIntExact(rows * cols)];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (random.nextGaussian() / Math.sqrt(cols));
            }
            return TinyModels.tensor(name, type, rows, cols, values);
        }
        var bytes = new byte[Math.toIntExact(type.bytes(rows * cols))];
        random.nextBytes(bytes);
        for (int i = 0; i < bytes.length && type == DType.F8_64; i++) {
            bytes[i] ^= (byte) ((bytes[i] & Byte.MAX_VALUE) == Byte.MAX_VALUE ? 1 : 0); // which would be no number
        }
        MemorySegment data = Arena.ofAuto().allocate(bytes.length);
        MemorySegment.copy(bytes, 0, data, ValueLayout.JAVA_BYTE, 0, bytes.length);
        for (long at = 0; at < bytes.length; at += type.blockBytes()) {
            short scale = Float.floatToFloat16(random.nextFloat() * 1e-3f);
            if (type == DType.IQ1_M) { // whose scale is the upper four bits of the last four shorts
                for (int i = 0; i < 4; i++) {
                    long place = at + type.blockBytes() - 8 + 2 * i;
                    int bits = data.get(ValueLayout.JAVA_SHORT_UNALIGNED, place) & 0xfff | scale >> 4 * i << 12;
                    data.set(ValueLayout.JAVA_SHORT_UNALIGNED, place, (short) bits);
                }
            } else if (type == DType.E2M1_64) {
                data.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, 1e-5f); // the same in all blocks; scales are up to 480
            } else if (FLOAT_SCALES.contains(type)) {
                data.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, random.nextFloat() * 1e-3f);
            } else { // the others begin with one, Q4_K and Q5_K with two
                data.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, scale);
                Optional<WholeNumbers> whole = WholeNumbers.of(type); // those with a zero behind it
                if (whole.isPresent()) {
                    data.set(ValueLayout.JAVA_BYTE, at + 2, (byte) random.nextInt(1 << whole.get().bits()));
                } else {
                    data.set(ValueLayout.JAVA_SHORT_UNALIGNED, at + 2, Float.floatToFloat16(random.nextFloat() * 1e-3f));
                }
            }
        }
        return new Tensor(name, type, rows, cols, data);
    }

    /** Random weights, matrices in that format where their rows fill its blocks. */
    static TinyModels.MemoryWeights weights(Program program, DType type) {
        var tensors = new LinkedHashMap<>(TinyModels.weights(program, 7).tensors());
        for (WeightShape w : WeightShape.of(program)) {
            if (w.rows() > 1 && w.cols() % type.blockElements() == 0) {
                tensors.put(w.name(), random(w.name(), type, w.rows(), w.cols(), w.name().hashCode()));
            }
        }
        return new TinyModels.MemoryWeights(tensors);
    }

    /** One step; the logits of all its rows. */
    static float[] forward(ModelRunner runner, StepBatch b, int vocab) {
        runner.forward(b);
        return runner.logits().asSlice(0, (long) b.logitRows * vocab * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT);
    }

    /** Runs batches of so many tokens, then each again in other sizes, on both. */
    static void compare(Backend backend, Program program, WeightSource weights, int blockSize, DType kvType, List<int[]> steps,
                        double tolerance, Predicate<DType> quantises) {
        int vocab = program.vocab();
        int length = steps.stream().mapToInt(s -> Arrays.stream(s).max().orElse(0)).sum();
        int sequences = steps.getFirst().length;
        int blocks = sequences * (length / blockSize + 1);
        int most = steps.stream().mapToInt(s -> Arrays.stream(s).sum()).max().orElse(0);
        Backend.RunnerOptions options = options(Math.max(MAX_TOKENS, most), Math.max(SEQUENCES, sequences), blockSize, blocks, kvType);
        try (ModelRunner runner = backend.load(program, weights, options);
                ModelRunner oracle = new ReferenceBackend(quantises).load(program, weights, options)) {
            assertEquals(blocks, runner.blocks());
            var batches = new PagedSequences(sequences, blockSize, blocks, length, tokens(program), blockSize);
            for (int[] counts : steps) {
                StepBatch b = batches.next(counts);
                same(forward(oracle, b, vocab), forward(runner, b, vocab), vocab, tolerance,
                        formats(program, weights) + ", " + b.tokens + " tokens, " + program);
            }
        }
    }

    private static Set<String> formats(Program program, WeightSource weights) {
        return WeightShape.of(program).stream().map(w -> weights.get(w.name()).format()).collect(Collectors.toSet());
    }

    /**
     * Runs batches with adapters, sequence by sequence none and then each of them, on both; then again with the second in place of the first, which
     * has gone.
     */
    static void compareAdapted(Backend backend, Program program, WeightSource weights, List<int[]> steps, List<Adapter> adapters, double tolerance,
            Predicate<DType> quantises) {
        int vocab = program.vocab();
        int sequences = steps.getFirst().length;
        int length = 2 * steps.stream().mapToInt(s -> Arrays.stream(s).max().orElse(0)).sum();
        int blocks = sequences * (length / 16 + 1);
        Backend.RunnerOptions options = options(MAX_TOKENS, Math.max(SEQUENCES, sequences), 16, blocks, DType.F32);
        try (ModelRunner runner = backend.load(program, weights, options);
                ModelRunner oracle = new ReferenceBackend(quantises).load(program, weights, options)) {
            var batches = new PagedSequences(sequences, 16, blocks, length, tokens(program), 16);
            for (ModelRunner r : List.of(runner, oracle)) {
                for (int i = 0; i < adapters.size(); i++) {
                    r.addAdapter(i + 1, adapters.get(i));
                }
            }
            for (int round = 0; round < 2; round++) {
                for (int[] counts : steps) {
                    StepBatch b = batches.next(counts);
                    for (int s = 0; s < b.sequences; s++) {
                        b.adapter[s] = b.sequenceSlot[s] % (adapters.size() + 1);
                    }
                    same(forward(oracle, b, vocab), forward(runner, b, vocab), vocab, tolerance, program + ", " + b.tokens + " tokens");
                }
                for (ModelRunner r : List.of(runner, oracle)) {
                    r.removeAdapter(1);
                    r.addAdapter(1, adapters.get(1));
                }
            }
        }
    }

    /** How many tokens there are: as many as the table has rows, whatever the program ends in. */
    private static int tokens(Program program) {
        return program.ops().stream().flatMap(op -> op instanceof Op.Embed e ? Stream.of(e.rows()) : Stream.empty()).findFirst().orElseThrow();
    }

    private static void same(float[] want, float[] got, int width, double tolerance, String what) {
        for (int row = 0; row < want.length; row += width) {
            float largest = 0;
            for (int i = row; i < row + width; i++) {
                largest = Math.max(largest, Math.abs(want[i]));
            }
            for (int i = row; i < row + width; i++) {
                int at = i;
                assertTrue(Math.abs(want[i] - got[i]) <= tolerance * largest, () -> "row " + at / width + ", column " + at % width
                        + ": " + got[at] + " instead of " + want[at] + ": " + what);
            }
        }
    }
}
