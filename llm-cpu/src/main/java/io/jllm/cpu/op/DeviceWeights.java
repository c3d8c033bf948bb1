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
import io.jllm.quant.Codec;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
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
    private final Map<MemorySegment, PackedMatrix> packed = new HashMap<>();
    private final Set<MemorySegment> stored = new HashSet<>();
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
    private static List<Tensor> packable(Program program, WeightSource source, CpuKernels kernels) {
        return WeightShape.of(program).stream().filter(w -> w.rows() > 1).map(w -> source.get(w.name()))
                .filter(t -> WeightFormat.of(t.type()).flatMap(kernels::packed).isPresent()).toList();
    }

    private static long packedBytes(Tensor t) {
        return Math.ceilDiv(PackedMatrix.bytes(t.type(), t.rows(), t.cols()), ALIGNMENT) * ALIGNMENT;
    }

    /** What products with matrices that are rearranged want of scratch memory. */
    public static TokenSpace arranged(Program program, WeightSource source, CpuKernels kernels) {
        return new TokenSpace(packable(program, source, kernels).stream()
                .collect(Collectors.toMap(t -> WeightFormat.of(t.type()).flatMap(kernels::packed).orElseThrow().tokens(), Tensor::cols, Math::max)));
    }

    /** The values of a norm's or bias's tensor. */
    float[] vector(String name) {
        return vectors.computeIfAbsent(name, n -> {
            Tensor t = source.get(n);
            var values = new float[Math.toIntExact(t.cols())];
            Codec.of(t.type()).orElseThrow().decode(t.data(), 0, values, 0, values.length);
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
        Tensor t = source.get(name);
        Optional<PackedProducts> products = t.rows() > 1 ? WeightFormat.of(t.type()).flatMap(kernels::packed) : Optional.empty();
        if (products.isPresent()) {
            PackedMatrix m = packed.computeIfAbsent(t.data(), _ -> pack(t, products.get())); // a tied table may have two names
            return bias.length == 0 ? m : m.withBias(padded(bias));
        }
        if (stored.add(t.data())) {
            bytes += t.data().byteSize();
        }
        return StoredMatrix.of(t, bias);
    }

    private PackedMatrix pack(Tensor t, PackedProducts products) {
        LargeMemory memory = kernels.memory();
        long size = packedBytes(t);
        var matrix = PackedMatrix.of(t.type(), room.asSlice(used, size), Math.toIntExact(t.rows()), Math.toIntExact(t.cols()));
        used += size;
        bytes += size;
        int rows = PackedMatrix.ROWS;
        int groups = (int) Math.max(1, CHUNK_BYTES / (rows * t.rowBytes()));
        team.run(Math.ceilDiv(matrix.groups(), groups), (chunk, _) -> {
            int from = chunk * groups;
            int to = Math.min(matrix.groups(), from + groups);
            products.pack(matrix, t, from, to);
            long first = (long) from * rows * t.rowBytes();
            memory.release(t.data().asSlice(first, Math.min(t.data().byteSize(), (long) to * rows * t.rowBytes()) - first));
        });
        memory.release(t.data()); // neighbours of a page that is read are mapped too, behind our back
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
