package io.jllm.cpu.op;

import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.Matrix;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.StoredMatrix;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.os.LargeMemory;
import io.jllm.cpu.os.ThreadTeam;
import io.jllm.model.Program;
import io.jllm.model.Weight;
import io.jllm.model.WeightShape;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The weights of a program: matrices as the file has them, or rearranged for the kernels that read their format so; vectors
 * as floats. Each is counted, decoded and rearranged once.
 */
public final class DeviceWeights {
    private static final float[] NO_BIAS = {};
    private static final long ALIGNMENT = 64;
    /** Bytes of a file that one iteration of the rearrangement reads, and then gives back. */
    private static final long CHUNK_BYTES = 2 << 20;

    private final WeightSource source;
    private final CpuKernels kernels;
    private final Arena arena;
    private final ThreadTeam team;
    private final MemorySegment room;
    private final Map<String, float[]> vectors = new HashMap<>();
    private final Map<Object, PackedMatrix> packed = new HashMap<>();
    private final Set<Object> stored = new HashSet<>();
    private long used;
    private long bytes;

    /**
     * Nothing is read yet.
     *
     * @param kernels for products of the weights
     * @param arena owns what is rearranged
     * @param team does it
     */
    public DeviceWeights(Program program, WeightSource source, CpuKernels kernels, Arena arena, ThreadTeam team) {
        this.source = source;
        this.kernels = kernels;
        this.arena = arena;
        this.team = team;
        long total = packable(program, source, kernels).stream().mapToLong(DeviceWeights::packedBytes).sum();
        room = total == 0 ? MemorySegment.NULL : kernels.memory().allocate(arena, total);
    }

    /** Tensors that are rearranged. One that has two names may be counted twice. */
    private static List<Weights> packable(Program program, WeightSource source, CpuKernels kernels) {
        return WeightShape.of(program).stream().filter(w -> w.rows() > 1).map(w -> source.get(w.name()))
                .filter(w -> products(w, kernels).isPresent()).toList();
    }

    private static long packedBytes(Weights w) {
        return Math.ceilDiv(WeightFormat.of(w).orElseThrow().bytes(w.rows(), w.cols()), ALIGNMENT) * ALIGNMENT;
    }

    /** What products with matrices that are rearranged want of scratch memory. */
    public static TokenSpace arranged(Program program, WeightSource source, CpuKernels kernels) {
        return new TokenSpace(packable(program, source, kernels).stream()
                .collect(Collectors.toMap(w -> products(w, kernels).orElseThrow().tokens(), Weights::cols, Math::max)));
    }

    /** The values of a norm's or bias's tensor. */
    float[] vector(String name) {
        return vectors.computeIfAbsent(name, n -> {
            Weights w = source.get(n);
            var values = new float[Math.toIntExact(w.cols())];
            w.decode(0, 1, values, 0);
            bytes += (long) values.length * Float.BYTES;
            return values;
        });
    }

    /** A matrix without a bias. */
    Matrix matrix(String name) {
        return matrix(name, NO_BIAS);
    }

    /** A matrix with the bias that it has. */
    Matrix matrix(Weight w) {
        return matrix(w.name(), w.bias().map(this::vector).orElse(NO_BIAS));
    }

    private Matrix matrix(String name, float[] bias) {
        Weights w = source.get(name);
        Optional<PackedProducts> products = w.rows() > 1 ? products(w, kernels) : Optional.empty();
        if (products.isPresent()) {
            PackedMatrix m = packed.computeIfAbsent(place(w), _ -> pack(w, products.get())); // a tied table may have two names
            return bias.length == 0 ? m : m.withBias(padded(bias));
        }
        if (stored.add(place(w))) {
            bytes += w.bytes();
        }
        return StoredMatrix.of(w, bias);
    }

    private static Optional<PackedProducts> products(Weights w, CpuKernels kernels) {
        return WeightFormat.of(w).flatMap(kernels::packed);
    }

    /** What two names of the same weights share: where they are, or else they themselves. */
    private static Object place(Weights w) {
        return w.slice(0, w.rows()).<Object>map(s -> s).orElse(w);
    }

    private PackedMatrix pack(Weights w, PackedProducts products) {
        LargeMemory memory = kernels.memory();
        long size = packedBytes(w);
        var matrix = PackedMatrix.of(WeightFormat.of(w).orElseThrow(), room.asSlice(used, size), Math.toIntExact(w.rows()),
                Math.toIntExact(w.cols()));
        used += size;
        bytes += size;
        int rows = PackedMatrix.ROWS;
        int groups = (int) Math.max(1, CHUNK_BYTES / (rows * w.rowBytes()));
        team.run(Math.ceilDiv(matrix.groups(), groups), (chunk, _) -> {
            int from = chunk * groups;
            int to = Math.min(matrix.groups(), from + groups);
            products.pack(matrix, w, from, to);
            long first = (long) from * rows;
            w.slice(first, Math.min(w.rows(), (long) to * rows) - first).ifPresent(memory::release);
        });
        w.slice(0, w.rows()).ifPresent(memory::release); // neighbours of a page that is read are mapped too, behind our back
        return matrix;
    }

    /** Biases of whole groups of rows. */
    private MemorySegment padded(float[] bias) {
        MemorySegment m = arena.allocate(Math.ceilDiv(bias.length, PackedMatrix.ROWS) * (long) PackedMatrix.ROWS * Float.BYTES, ALIGNMENT);
        MemorySegment.copy(bias, 0, m, Rows.FLOAT, 0, bias.length);
        return m;
    }

    /** Bytes of what was asked for so far. */
    public long bytes() {
        return bytes;
    }
}
