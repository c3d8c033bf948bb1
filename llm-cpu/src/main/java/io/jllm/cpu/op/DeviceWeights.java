package io.jllm.cpu.op;

import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.Matrix;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.StoredMatrix;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.os.LargeMemory;
import io.jllm.cpu.os.ThreadTeam;
import io.jllm.model.Program;
import io.jllm.model.Weight;
import io.jllm.quant.Assembled;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

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
    private final Map<String, float[][]> vectors = new HashMap<>();
    private final Map<Object, PackedMatrix> packed = new HashMap<>();
    /** What was asked for, the same objects each time: of what stands in several places nothing else says that it is the same. */
    private final Map<Parts, List<Weights>> parts = new HashMap<>();
    private final Set<Object> stored = new HashSet<>();
    private long used;
    private long bytes;

    private record Parts(String name, int count) {
    }

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
        long total = packable(program, source, kernels).stream().mapToLong(u -> u.parts() * packedBytes(first(u, source))).sum();
        room = total == 0 ? MemorySegment.NULL : kernels.memory().allocate(arena, total);
    }

    /** Tensors that are rearranged. One that has two names may be counted twice. */
    private static List<MatrixUse> packable(Program program, WeightSource source, CpuKernels kernels) {
        return distinct(program).stream().filter(u -> products(first(u, source), kernels).isPresent()).toList();
    }

    private static Set<MatrixUse> distinct(Program program) {
        return MatrixUse.of(program).collect(Collectors.toCollection(LinkedHashSet::new));
    }

    /** The first part of what is used so; the others are alike. */
    private static Weights first(MatrixUse use, WeightSource source) {
        return part(source.get(use.name()), use.parts(), 0);
    }

    /** One of so many equal parts. */
    private static Weights part(Weights w, int parts, int number) {
        long rows = w.rows() / parts;
        return parts == 1 ? w : switch (w) {
            case Tensor t -> t.rows(t.name(), number * rows, (number + 1) * rows);
            case Assembled a -> a.rows(a.name(), number * rows, (number + 1) * rows);
        };
    }

    private static long packedBytes(Weights w) {
        return Math.ceilDiv(WeightFormat.of(w).orElseThrow().bytes(w.rows(), w.cols()), ALIGNMENT) * ALIGNMENT;
    }

    /** What products want of scratch memory. */
    public static TokenSpace arranged(Program program, WeightSource source, CpuKernels kernels) {
        var columns = new EnumMap<TokenFormat, Long>(TokenFormat.class);
        long gathered = 0;
        for (MatrixUse u : distinct(program)) {
            Weights w = first(u, source);
            Optional<PackedProducts> products = products(w, kernels);
            if (products.isPresent()) {
                columns.merge(products.get().tokens(), u.perRow() * Math.ceilDiv(w.cols(), TokenFormat.BLOCK) * TokenFormat.BLOCK, Math::max);
            } else if (u.gathered()) {
                gathered = Math.max(gathered, u.perRow() * w.cols());
            }
        }
        return new TokenSpace(columns, gathered);
    }

    /** The values of a norm's or bias's tensor. */
    float[] vector(String name) {
        return vectors(name)[0];
    }

    /** The same of one with several rows. */
    float[][] vectors(String name) {
        return vectors.computeIfAbsent(name, n -> {
            Weights w = source.get(n);
            var values = new float[Math.toIntExact(w.rows())][Math.toIntExact(w.cols())];
            for (int r = 0; r < values.length; r++) {
                w.decode(r, 1, values[r], 0);
            }
            bytes += w.rows() * w.cols() * Float.BYTES;
            return values;
        });
    }

    /** A matrix without a bias. */
    Matrix matrix(String name) {
        return matrix(parts(name, 1).getFirst(), NO_BIAS);
    }

    /** A matrix with the bias that it has. */
    Matrix matrix(Weight w) {
        return matrix(parts(w.name(), 1).getFirst(), w.bias().map(this::vector).orElse(NO_BIAS));
    }

    /** The matrices of so many experts, each with its bias. */
    List<Matrix> experts(Weight w, int experts) {
        List<Weights> parts = parts(w.name(), experts);
        return IntStream.range(0, experts).mapToObj(e -> matrix(parts.get(e), w.bias().map(b -> vectors(b)[e]).orElse(NO_BIAS))).toList();
    }

    /** The matrices of so many heads. */
    List<Matrix> heads(String name, int heads) {
        return parts(name, heads).stream().map(w -> matrix(w, NO_BIAS)).toList();
    }

    private List<Weights> parts(String name, int count) {
        return parts.computeIfAbsent(new Parts(name, count), _ -> {
            Weights w = source.get(name);
            return IntStream.range(0, count).mapToObj(i -> part(w, count, i)).toList();
        });
    }

    private Matrix matrix(Weights w, float[] bias) {
        Optional<PackedProducts> products = products(w, kernels);
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
        return w.rows() > 1 ? WeightFormat.of(w).flatMap(kernels::packed) : Optional.empty();
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
