package io.jllm.cuda.weights;

import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.model.ExpertOp;
import io.jllm.model.HeadOp;
import io.jllm.model.LatentOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Scores;
import io.jllm.model.Weight;
import io.jllm.quant.Assembled;
import io.jllm.quant.DType;
import io.jllm.quant.Grouped;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Where the weights of a program go on the device. Matrices of one format that stand side by side in a product become one matrix, so that one launch
 * does for all of them; one that is used elsewhere too stays by itself, and stands there once. Vectors become floats.
 */
public final class WeightPlan {
    /** Bytes to which matrices are aligned. */
    private static final int ALIGNMENT = 256;

    /**
     * A matrix on the device.
     *
     * @param parts whose rows it has, one after the other
     * @param format of all of them
     * @param rows outputs
     * @param cols inputs
     * @param at offset of its first byte
     */
    public record Matrix(List<Weights> parts, DeviceFormat format, int rows, int cols, long at) {
        /** Whether its columns stand in an order of their own, in which it meets its inputs. */
        public boolean ordered() {
            return order().length > 0;
        }

        /** The magnitude from which on inputs meet it as floats, where others have 8 bits; 0 if they do not. */
        public float outliers() {
            return DeviceSource.outliers(parts.getFirst());
        }

        /** Whether columns of both stand in the same order. */
        public boolean sameOrder(Matrix other) {
            return Arrays.equals(order(), other.order());
        }

        /** Which input each column meets; empty if they stand as they are. */
        int[] order() {
            return DeviceSource.order(parts.getFirst());
        }

        /** Offset of that list, an int for each column; it stands behind the matrix. */
        public long orderAt() {
            return at + format.bytes(rows, cols);
        }

        private long end() {
            return orderAt() + Math.ceilDiv((long) order().length * Integer.BYTES, ALIGNMENT) * ALIGNMENT;
        }
    }

    /** What weights are known by: where they are, since some have several names, or their name, if they have no one place. */
    private record Place(MemorySegment data, String name) {
        static Place of(Weights w) {
            return switch (w) {
                case Tensor t -> new Place(t.data(), "");
                case Assembled _, Grouped _ -> new Place(MemorySegment.NULL, w.name());
            };
        }
    }

    private final WeightSource source;
    private final Set<Place> alone = new HashSet<>();
    private final Map<List<Place>, Matrix> matrices = new LinkedHashMap<>();
    private final VectorPlan vectors = new VectorPlan();
    private long bytes;

    /** Plans; the weights fit the program. */
    public WeightPlan(Program program, WeightSource source) {
        this.source = source;
        findShared(program);
        for (Op op : program.ops()) {
            matrices(op).forEach(this::place);
            switch (op) {
                case Op.RmsNorm n -> vector(n.weight());
                case Op.LayerNorm n -> {
                    n.weight().ifPresent(this::vector);
                    n.bias().ifPresent(this::vector);
                }
                case Op.Linear l -> runs(l).forEach(this::bias);
                case HeadOp.RopeStoreKv r -> {
                    vectors.frequencies(r.rope());
                    r.norm().ifPresent(n -> {
                        vector(n.qWeight());
                        vector(n.kWeight());
                    });
                }
                case HeadOp.NormHeads n -> Stream.concat(n.q().stream(), n.k().stream())
                        .flatMap(h -> Stream.concat(h.weight().stream(), h.bias().stream())).forEach(this::vector);
                case HeadOp.Rotate r -> vectors.frequencies(r.rope());
                case Op.PagedAttention a -> {
                    a.scores().sinks().ifPresent(this::vector);
                    a.scores().alibi().ifPresent(vectors::slopes);
                }
                case ExpertOp.Route r -> r.bias().ifPresent(this::vector);
                case ExpertOp.ExpertLinear l -> l.weights().forEach(w -> w.bias().ifPresent(this::vector));
                case ExpertOp.ExpertSum e -> e.weight().bias().ifPresent(this::vector);
                case LatentOp.LatentQkv l -> vector(l.norm());
                case Op.Embed _, Op.AddPositions _, Op.Act _, Op.Add _, Op.Scale _, HeadOp.ScaleQueries _, Op.GatedAct _, Op.SelectRows _,
                     LatentOp.HeadLinear _ -> { } // no vectors
            }
        }
    }

    /** The tensors of an op's matrices: those of a list stand side by side. */
    private Stream<List<String>> matrices(Op op) {
        return switch (op) {
            case Op.Embed e -> Stream.of(List.of(e.table()));
            case Op.AddPositions p -> Stream.of(List.of(p.table()));
            case Op.Linear l -> runs(l).stream().map(run -> run.stream().map(Weight::name).toList());
            case ExpertOp.ExpertLinear l -> l.weights().stream().map(w -> List.of(w.name()));
            case ExpertOp.ExpertSum e -> Stream.of(List.of(e.weight().name()));
            case LatentOp.LatentQkv l -> Stream.of(List.of(l.keys()));
            case LatentOp.HeadLinear l -> Stream.of(List.of(l.weight()));
            case Op.RmsNorm _, Op.LayerNorm _, Op.Act _, Op.Add _, Op.Scale _, HeadOp _, ExpertOp.Route _, Op.PagedAttention _, Op.GatedAct _,
                 Op.SelectRows _ -> Stream.of(); // vectors at most
        };
    }

    private void findShared(Program program) {
        var uses = new LinkedHashSet<List<Place>>();
        program.ops().forEach(op -> matrices(op).forEach(names -> uses.add(places(names))));
        var seen = new HashSet<Place>();
        for (List<Place> use : uses) {
            new HashSet<>(use).stream().filter(d -> !seen.add(d)).forEach(alone::add);
            use.stream().filter(d -> use.indexOf(d) != use.lastIndexOf(d)).forEach(alone::add);
        }
    }

    /** The matrices of a product in pieces that each are one matrix on the device. */
    public List<List<Weight>> runs(Op.Linear l) {
        var runs = new ArrayList<List<Weight>>();
        for (Weight w : l.weights()) {
            if (runs.isEmpty() || !joins(source.get(runs.getLast().getLast().name()), source.get(w.name()))) {
                runs.add(new ArrayList<>());
            }
            runs.getLast().add(w);
        }
        return runs;
    }

    private boolean joins(Weights before, Weights w) {
        return type(w) == type(before) && !alone.contains(Place.of(w)) && !alone.contains(Place.of(before))
                && Arrays.equals(DeviceSource.order(w), DeviceSource.order(before)) && DeviceSource.outliers(w) == DeviceSource.outliers(before);
    }

    /** Others were refused before. */
    private static DType type(Weights w) {
        return w.stored().orElseThrow();
    }

    private List<Place> places(List<String> names) {
        return names.stream().map(n -> Place.of(source.get(n))).toList();
    }

    private void place(List<String> names) {
        matrices.computeIfAbsent(places(names), _ -> {
            List<Weights> parts = names.stream().map(source::get).toList();
            DeviceFormat format = DeviceFormat.of(type(parts.getFirst())).orElseThrow();
            int rows = Math.toIntExact(parts.stream().mapToLong(Weights::rows).sum());
            int cols = Math.toIntExact(parts.getFirst().cols());
            var matrix = new Matrix(parts, format, rows, cols, bytes);
            bytes = matrix.end();
            return matrix;
        });
    }

    private void vector(String name) {
        vectors.add(name, () -> floats(name));
    }

    private void bias(List<Weight> run) {
        if (run.stream().anyMatch(w -> w.bias().isPresent())) {
            vectors.add(biasName(run), () -> biases(run));
        }
    }

    private float[] biases(List<Weight> run) {
        var all = new float[run.stream().mapToInt(Weight::rows).sum()];
        int at = 0;
        for (Weight w : run) {
            if (w.bias().isPresent()) {
                System.arraycopy(floats(w.bias().get()), 0, all, at, w.rows());
            }
            at += w.rows();
        }
        return all;
    }

    private float[] floats(String name) {
        Weights w = source.get(name);
        var values = new float[Math.toIntExact(w.rows() * w.cols())];
        w.decode(0, Math.toIntExact(w.rows()), values, 0);
        return values;
    }

    private static String biasName(List<Weight> run) {
        return "bias of " + run.stream().map(w -> w.name() + "+" + w.bias().orElse("")).toList();
    }

    /** All matrices, in order of their place. */
    List<Matrix> matrices() {
        return List.copyOf(matrices.values());
    }

    /** The matrix of some tensors. */
    public Matrix matrix(List<String> names) {
        return matrices.get(places(names));
    }

    /** Offset in bytes of a vector. */
    public long vectorOffset(String name) {
        return bytes + vectors.offset(name).orElseThrow();
    }

    /** Offset in bytes of the biases of a run; empty if none of its products has one. */
    public Optional<Long> biasOffset(List<Weight> run) {
        return vectors.offset(biasName(run)).map(at -> bytes + at);
    }

    /** Offset in bytes of a rotation's frequencies. */
    public long frequencyOffset(Rope rope) {
        return bytes + vectors.offset(rope);
    }

    /** Offset in bytes of a rotation's frequencies for long texts. */
    public long frequencyOffset(Rope.Longer.Switched longer) {
        return bytes + vectors.offset(longer);
    }

    /** Offset in bytes of the slopes of linear biases. */
    public long slopeOffset(Scores.Alibi alibi) {
        return bytes + vectors.offset(alibi);
    }

    /** The most columns of a matrix; 0 if there is none. */
    public int mostCols() {
        return matrices.values().stream().mapToInt(Matrix::cols).max().orElse(0);
    }

    /** The same of matrices whose columns stand in an order of their own. */
    public int mostOrderedCols() {
        return matrices.values().stream().filter(Matrix::ordered).mapToInt(Matrix::cols).max().orElse(0);
    }

    /** The same of matrices that meet large inputs as floats. */
    public int mostOutlierCols() {
        return matrices.values().stream().filter(m -> m.outliers() > 0).mapToInt(Matrix::cols).max().orElse(0);
    }

    /** All vectors, as they stand behind the matrices. */
    float[] vectorFloats() {
        return vectors.floats();
    }

    /** Offset in bytes of the vectors: the bytes of all matrices. */
    long matrixBytes() {
        return bytes;
    }

    /** Bytes of everything. */
    public long bytes() {
        return bytes + vectors.bytes();
    }
}
