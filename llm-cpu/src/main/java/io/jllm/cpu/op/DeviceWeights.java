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
import io.jllm.quant.Grouped;
import io.jllm.quant.GroupedBlocks;
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
    private static final int[] IN_ORDER = {};
    private static final long ALIGNMENT = 64;
    /** Bytes of a file that one iteration of the rearrangement reads, and then gives back. */
    private static final long CHUNK_BYTES = 2 << 20;

    private final WeightSource source;
    private final CpuKernels kernels;
    private final Arena arena;
    private final ThreadTeam team;
    private final MemorySegment room;
    private final Map<String, float[][]> vectors = new HashMap<>();
    private final Map<Place, PackedMatrix> packed = new HashMap<>();
    private final Map<Parts, List<Matrix>> matrices = new HashMap<>();
    private final Set<Object> stored = new HashSet<>();
    private long used;
    private long bytes;

    /** Equal parts of weights. */
    private record Parts(String name, int count, Optional<String> bias) {
    }

    /** One of them, by where the weights are. */
    private record Place(Object weights, int count, int number) {
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
        long total = packable(program, source, kernels).stream().mapToLong(u -> packedBytes(u, source)).sum();
        room = total == 0 ? MemorySegment.NULL : kernels.memory().allocate(arena, total);
    }

    /** Matrices that are rearranged. One that has two names may be counted twice. */
    private static List<MatrixUse> packable(Program program, WeightSource source, CpuKernels kernels) {
        return distinct(program).stream().filter(u -> products(source.get(u.name()), u.parts(), kernels).isPresent()).toList();
    }

    private static Set<MatrixUse> distinct(Program program) {
        return MatrixUse.of(program).collect(Collectors.toCollection(LinkedHashSet::new));
    }

    /** What a matrix of so many rows takes. */
    private static long packedBytes(Weights w, long rows) {
        return Math.ceilDiv(WeightFormat.of(w).orElseThrow().bytes(rows, w.cols()), ALIGNMENT) * ALIGNMENT;
    }

    private static long packedBytes(MatrixUse use, WeightSource source) {
        Weights w = source.get(use.name());
        return use.parts() * packedBytes(w, w.rows() / use.parts());
    }

    /** What products want of scratch memory. */
    public static TokenSpace arranged(Program program, WeightSource source, CpuKernels kernels) {
        var columns = new EnumMap<TokenFormat, Long>(TokenFormat.class);
        long gathered = 0;
        for (MatrixUse u : distinct(program)) {
            Weights w = source.get(u.name());
            Optional<PackedProducts> products = products(w, u.parts(), kernels);
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
        return matrices(new Parts(name, 1, Optional.empty())).getFirst();
    }

    /** A matrix with the bias that it has. */
    Matrix matrix(Weight w) {
        return matrices(new Parts(w.name(), 1, w.bias())).getFirst();
    }

    /** The matrices of so many experts, each with its bias. */
    List<Matrix> experts(Weight w, int experts) {
        return matrices(new Parts(w.name(), experts, w.bias()));
    }

    /** The matrices of so many heads. */
    List<Matrix> heads(String name, int heads) {
        return matrices(new Parts(name, heads, Optional.empty()));
    }

    private List<Matrix> matrices(Parts parts) {
        return matrices.computeIfAbsent(parts, p -> {
            Weights w = source.get(p.name);
            if (products(w, p.count, kernels).isEmpty() && stored.add(place(w))) {
                bytes += w.bytes();
            }
            return IntStream.range(0, p.count).mapToObj(i -> matrix(w, p.count, i, p.bias.map(b -> vectors(b)[i]).orElse(NO_BIAS))).toList();
        });
    }

    private Matrix matrix(Weights w, int parts, int number, float[] bias) {
        int rows = Math.toIntExact(w.rows() / parts);
        long first = (long) number * rows;
        Optional<PackedProducts> products = products(w, parts, kernels);
        if (products.isPresent()) {
            // A tied table may have two names.
            PackedMatrix m = packed.computeIfAbsent(new Place(place(w), parts, number), _ -> pack(w, first, rows, products.get()));
            return bias.length == 0 ? m : m.withBias(padded(bias));
        }
        return StoredMatrix.of(w, first, rows, bias, this::copy);
    }

    private MemorySegment copy(Weights w, long first, int count) {
        MemorySegment copy = arena.allocate(count * w.rowBytes(), ALIGNMENT);
        int rows = (int) Math.clamp(CHUNK_BYTES / w.rowBytes(), 1, count);
        team.run(Math.ceilDiv(count, rows), (chunk, _) -> {
            int from = chunk * rows;
            int n = Math.min(rows, count - from);
            w.read(first + from, n, copy.asSlice(from * w.rowBytes(), n * w.rowBytes()));
        });
        return copy;
    }

    /**
     * Products of weights that are used in so many parts; empty if they are not rearranged, as where columns of parts stand in an order of their
     * own, for which nobody arranges activations.
     */
    private static Optional<PackedProducts> products(Weights w, int parts, CpuKernels kernels) {
        return w.rows() > parts && (parts == 1 || order(w).length == 0) ? WeightFormat.of(w).flatMap(kernels::packed) : Optional.empty();
    }

    /** Which input each column meets when weights are rearranged; empty if they stand in order. */
    private static int[] order(Weights w) {
        return w instanceof Grouped g ? g.blocks().map(GroupedBlocks::order).orElse(IN_ORDER) : IN_ORDER;
    }

    /** From which magnitude on inputs meet weights as floats; 0 if they do not. */
    private static float outliers(Weights w) {
        return w instanceof Assembled a && a.parts().size() == 1 && a.parts().getFirst() instanceof GroupedBlocks b ? b.outliers() : 0;
    }

    /** What two names of the same weights share: where they are, or else they themselves. */
    private static Object place(Weights w) {
        return w.slice(0, w.rows()).<Object>map(s -> s).orElse(w);
    }

    private PackedMatrix pack(Weights w, long first, int rows, PackedProducts products) {
        LargeMemory memory = kernels.memory();
        long size = packedBytes(w, rows);
        Weights rearranged = WeightFormat.arranged(w);
        var matrix = PackedMatrix.of(WeightFormat.of(w).orElseThrow(), room.asSlice(used, size), rows, Math.toIntExact(w.cols())).ordered(order(w))
                .withOutliers(outliers(w));
        used += size;
        bytes += size;
        int group = PackedMatrix.ROWS;
        int groups = (int) Math.max(1, CHUNK_BYTES / (group * w.rowBytes()));
        team.run(Math.ceilDiv(matrix.groups(), groups), (chunk, _) -> {
            int from = chunk * groups;
            int to = Math.min(matrix.groups(), from + groups);
            products.pack(matrix, rearranged, first, from, to);
            long begin = (long) from * group;
            w.slice(first + begin, Math.min(rows, (long) to * group) - begin).ifPresent(memory::release);
        });
        // Neighbours of a page that is read are mapped too, behind our back. What is made of several places is given back as a whole.
        w.slice(first, rows).map(List::of).orElseGet(rearranged::sources).forEach(memory::release);
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
