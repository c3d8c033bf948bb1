package io.jllm.cuda.weights;

import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.model.ExpertOp;
import io.jllm.model.HeadOp;
import io.jllm.model.LatentOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Weight;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
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
    /** Floats to which vectors are aligned. */
    private static final int VECTOR_ALIGNMENT = 64;

    /**
     * A matrix on the device.
     *
     * @param tensors whose rows it has, one after the other
     * @param format of all of them
     * @param rows outputs
     * @param cols inputs
     * @param at offset of its first byte
     */
    public record Matrix(List<Tensor> tensors, DeviceFormat format, int rows, int cols, long at) {
    }

    private final WeightSource source;
    private final Set<MemorySegment> alone = new HashSet<>();
    private final Map<List<MemorySegment>, Matrix> matrices = new LinkedHashMap<>();
    private final Map<String, Integer> vectorAt = new LinkedHashMap<>();
    private final Map<Rope, Integer> ropeAt = new HashMap<>();
    private final List<float[]> vectors = new ArrayList<>();
    private long bytes;
    private int floats;

    /** Plans; the weights fit the program. */
    public WeightPlan(Program program, WeightSource source) {
        this.source = source;
        findShared(program);
        for (Op op : program.ops()) {
            switch (op) {
                case Op.Embed e -> place(List.of(e.table()));
                case Op.RmsNorm n -> vector(n.weight());
                case Op.Linear l -> runs(l).forEach(run -> {
                    place(run.stream().map(Weight::name).toList());
                    bias(run);
                });
                case HeadOp.RopeStoreKv r -> {
                    frequencies(r.rope());
                    r.norm().ifPresent(n -> {
                        vector(n.qWeight());
                        vector(n.kWeight());
                    });
                }
                case Op.AddPositions _, Op.LayerNorm _, Op.Act _, Op.Add _, Op.Scale _, HeadOp.NormHeads _, HeadOp.Rotate _, HeadOp.ScaleQueries _,
                     ExpertOp _, LatentOp _ -> throw new IllegalArgumentException("there are no kernels for " + op);
                case Op.PagedAttention _, Op.GatedAct _, Op.SelectRows _ -> { }
            }
        }
    }

    private void findShared(Program program) {
        var uses = new LinkedHashSet<List<MemorySegment>>();
        for (Op op : program.ops()) {
            Stream<List<String>> lists = switch (op) {
                case Op.Embed e -> Stream.of(List.of(e.table()));
                case Op.Linear l -> runs(l).stream().map(run -> run.stream().map(Weight::name).toList());
                case Op.AddPositions _, Op.LayerNorm _, Op.Act _, Op.Add _, Op.Scale _, HeadOp.NormHeads _, HeadOp.Rotate _, HeadOp.ScaleQueries _,
                     ExpertOp _, LatentOp _ -> throw new IllegalArgumentException("there are no kernels for " + op);
                case Op.RmsNorm _, HeadOp.RopeStoreKv _, Op.PagedAttention _, Op.GatedAct _, Op.SelectRows _ -> Stream.of(); // vectors at most
            };
            lists.forEach(names -> uses.add(data(names)));
        }
        var seen = new HashSet<MemorySegment>();
        for (List<MemorySegment> use : uses) {
            new HashSet<>(use).stream().filter(d -> !seen.add(d)).forEach(alone::add);
            use.stream().filter(d -> use.indexOf(d) != use.lastIndexOf(d)).forEach(alone::add);
        }
    }

    /** The matrices of a product in pieces that each are one matrix on the device. */
    public List<List<Weight>> runs(Op.Linear l) {
        var runs = new ArrayList<List<Weight>>();
        DType last = null;
        for (Weight w : l.weights()) {
            Tensor t = source.tensor(w.name());
            boolean joins = t.type() == last && !alone.contains(t.data()) && !alone.contains(source.tensor(runs.getLast().getLast().name()).data());
            if (!joins) {
                runs.add(new ArrayList<>());
            }
            runs.getLast().add(w);
            last = t.type();
        }
        return runs;
    }

    private List<MemorySegment> data(List<String> names) {
        return names.stream().map(n -> source.tensor(n).data()).toList();
    }

    private void place(List<String> names) {
        matrices.computeIfAbsent(data(names), _ -> {
            List<Tensor> tensors = names.stream().map(source::tensor).toList();
            DeviceFormat format = DeviceFormat.of(tensors.getFirst().type()).orElseThrow();
            int rows = Math.toIntExact(tensors.stream().mapToLong(Tensor::rows).sum());
            int cols = Math.toIntExact(tensors.getFirst().cols());
            var matrix = new Matrix(tensors, format, rows, cols, bytes);
            bytes += format.bytes(rows, cols);
            return matrix;
        });
    }

    private void vector(String name) {
        if (!vectorAt.containsKey(name)) {
            add(name, floats(name));
        }
    }

    private void bias(List<Weight> run) {
        if (run.stream().anyMatch(w -> w.bias().isPresent()) && !vectorAt.containsKey(biasName(run))) {
            var all = new float[run.stream().mapToInt(Weight::rows).sum()];
            int at = 0;
            for (Weight w : run) {
                if (w.bias().isPresent()) {
                    System.arraycopy(floats(w.bias().get()), 0, all, at, w.rows());
                }
                at += w.rows();
            }
            add(biasName(run), all);
        }
    }

    private void frequencies(Rope rope) {
        if (!ropeAt.containsKey(rope)) {
            ropeAt.put(rope, add(rope.invFreq()));
        }
    }

    private void add(String name, float[] values) {
        vectorAt.put(name, add(values));
    }

    /** Where the vector starts, in floats. */
    private int add(float[] values) {
        int at = floats;
        vectors.add(values);
        floats += Math.ceilDiv(values.length, VECTOR_ALIGNMENT) * VECTOR_ALIGNMENT;
        return at;
    }

    private float[] floats(String name) {
        Tensor t = source.tensor(name);
        var values = new float[Math.toIntExact(t.cols())];
        Codec.of(t.type()).orElseThrow().decode(t.data(), 0, values, 0, values.length);
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
        return matrices.get(data(names));
    }

    /** Offset in bytes of a vector. */
    public long vectorOffset(String name) {
        return bytes + (long) Float.BYTES * vectorAt.get(name);
    }

    /** Offset in bytes of the biases of a run; empty if none of its products has one. */
    public Optional<Long> biasOffset(List<Weight> run) {
        return Optional.ofNullable(vectorAt.get(biasName(run))).map(at -> bytes + (long) Float.BYTES * at);
    }

    /** Offset in bytes of a rotation's frequencies. */
    public long frequencyOffset(Rope rope) {
        return bytes + (long) Float.BYTES * ropeAt.get(rope);
    }

    /** The most columns of a matrix of plain floats; 0 if there is none. */
    public int mostDenseCols() {
        return matrices.values().stream().filter(m -> m.format().dense()).mapToInt(Matrix::cols).max().orElse(0);
    }

    /** All vectors, as they stand behind the matrices. */
    float[] vectorFloats() {
        var all = new float[floats];
        int at = 0;
        for (float[] v : vectors) {
            System.arraycopy(v, 0, all, at, v.length);
            at += Math.ceilDiv(v.length, VECTOR_ALIGNMENT) * VECTOR_ALIGNMENT;
        }
        return all;
    }

    /** Offset in bytes of the vectors: the bytes of all matrices. */
    long matrixBytes() {
        return bytes;
    }

    /** Bytes of everything. */
    public long bytes() {
        return bytes + (long) Float.BYTES * floats;
    }
}
