package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.BlocksKernels;
import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.TensorKernels;
import io.jllm.cuda.kernels.TensorKernels.Matrix;
import io.jllm.cuda.kernels.TensorKernels.Operand;
import io.jllm.cuda.kernels.TensorKernels.Result;
import io.jllm.cuda.kernels.attention.AttentionKernels;
import io.jllm.cuda.kernels.attention.FlashKernels;
import io.jllm.cuda.kernels.attention.RotatedKernels;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.HeadOp;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.quant.DType;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * Compiles products by many rows: rows of floats become rows of 16 bits, quantised matrices one matrix of 16 bits, tensor cores do the rest. Where
 * there are kernels for it, up to {@link BlocksKernels#MOST} rows meet quantised matrices as they are. Of more rows, ops before products leave their
 * results as rows of 16 bits themselves where nobody else reads them.
 */
final class TensorOps {
    /** Pages whose keys and values are F16 in products. */
    private static final Set<DType> F16_PRODUCTS = Set.of(DType.F16, DType.F8_E4M3, DType.Q8_0);

    private final DeviceState state;
    private final Values values;
    private final Mode mode;
    private final TensorRoom room;
    private final TensorKernels kernels;
    private final BlocksKernels blocks;
    private final RotatedKernels rotations;
    private final ProductKernels products;
    private final Ordering ordering;
    /** Values that are left as rows of 16 bits, and where. */
    private final Map<Value, Operand> left = new HashMap<>();
    /** Queries that products leave in 16 bits in steps in which they rotate. */
    private final Set<Value> rotated = new HashSet<>();
    /** Whose angles of a step are there, since an op before has made them. */
    private Optional<Rope> angles = Optional.empty();

    /** With the room for them. */
    TensorOps(DeviceState state, Values values, Mode mode, Arena arena, TensorRoom room, ProductKernels products, Ordering ordering) {
        this.state = state;
        this.values = values;
        this.mode = mode;
        this.room = room;
        this.products = products;
        this.ordering = ordering;
        kernels = new TensorKernels(state.kernels(), arena);
        blocks = new BlocksKernels(state.kernels(), arena);
        rotations = new RotatedKernels(state.kernels(), arena, state.kvSuffix(), state.upload());
    }

    /** A product whose rows are tokens. */
    RowsLaunch linear(Op.Linear l) {
        var launches = new InOrder(Optional.ofNullable(left.get(l.in())));
        int column = 0;
        for (List<Weight> run : state.plan().runs(l)) {
            WeightPlan.Matrix w = state.matrix(run);
            ordering.launch(w, l.in()).ifPresent(launches::reorder);
            Rows x = ordering.rows(w, l.in());
            Rows residual = l.residual().map(values::rows).orElse(Rows.NONE).from(column);
            Rows y = values.rows(l.out()).from(column);
            if (TensorRoom.takes(w, l.out().rows())) {
                launches.add(x, w, Result.plain(w.rows(), state.bias(run), residual, y));
            } else {
                launches.launches.add(products.many(state.weights(w, w.rows()), x, state.bias(run), residual, y));
            }
            column += w.rows();
        }
        return launches.all();
    }

    /** A product of gate and up with its activation, from one value to another. */
    RowsLaunch gated(Value in, WeightPlan.Matrix w, Value out, Op.Activation act) {
        var launches = new InOrder(Optional.ofNullable(left.get(in)));
        int kind = DeviceState.number(act);
        Optional<Operand> narrow = own(out).flatMap(o -> kernels.gatedOperand(o.type(), o.address(), o.rows(), o.cols()));
        narrow.ifPresent(o -> left.put(out, o));
        launches.add(ordering.rows(w, in), w, narrow.map(o -> Result.gated(out.width(), o, kind))
                .orElseGet(() -> Result.gated(out.width(), values.rows(out), kind)));
        return launches.all();
    }

    /**
     * A product of queries, keys and values and the rotation behind it, for steps of many tokens ({@link AttentionOp.Product}), if there are kernels
     * for that: queries times the scale of attention become rows of 16 bits in the place of their floats.
     */
    Optional<RowsLaunch> rotated(Op.Linear l, HeadOp.RopeStoreKv r, Op.PagedAttention a) {
        List<List<Weight>> runs = state.plan().runs(l);
        WeightPlan.Matrix w = state.matrix(runs.getFirst());
        Optional<DeviceFormat> type = w.format().operand();
        if (mode != Mode.MOST || values.isAdapted() || room.pieces() > 1 || runs.size() != 1 || w.ordered() || l.residual().isPresent()
                || !values.feeds(l, r.qkv()) || !values.feeds(r, a.q()) || !a.shape().equals(r.shape()) || a.layer() != r.layer()
                || r.rope().longer().isPresent() || !TensorRoom.takes(w, l.out().rows())
                || !rotations.has(type.orElseThrow(), r.shape().headDim(), r.rope().rotaryDim())) {
            return Optional.empty();
        }
        AttentionKernels.Rotation rotation = state.rotation(r);
        var launches = new InOrder(Optional.ofNullable(left.get(l.in())));
        if (!angles.equals(Optional.of(r.rope()))) {
            launches.launches.add(rotations.angles(rotation, room.angles()));
            angles = Optional.of(r.rope());
        }
        var heads = new RotatedKernels.Heads(r.shape(), rotation, state.pages(r.layer()), values.rows(r.out()).floats(), a.scores().scale(),
                room.angles());
        launches.addNarrow(values.rows(l.in()), w, (x, matrix) -> rotations.multiply(x, matrix, state.bias(runs.getFirst()), heads));
        rotated.add(r.out());
        return Optional.of(launches.all());
    }

    /** Queries as a product that rotates leaves them: times the scale, in 16 bits, of the type of pages. */
    Optional<FlashKernels.AnyRows> rotatedQueries(Op.PagedAttention a) {
        return rotated.contains(a.q()) ? Optional.of(FlashKernels.AnyRows.of16(values.rows(a.q()).floats(), a.q().width(),
                state.kvType() == DType.F16)) : Optional.empty();
    }

    /** One matrix. */
    RowsLaunch one(Rows x, WeightPlan.Matrix w, Result r) {
        var launches = new InOrder(Optional.empty());
        launches.add(x, w, r);
        return launches.all();
    }

    /** A matrix of blocks by rows of bytes, or of floats with scales by rows of floats, both as they are, if there are kernels for that. */
    Optional<RowsLaunch> direct(Rows x, WeightPlan.Matrix w, Result r) {
        boolean bytes = !w.format().floats();
        if (w.format().dense() || w.format().operand().isEmpty() || w.outliers() > 0 || bytes && x.bytes() == 0) {
            return Optional.empty();
        }
        return room.place(state.kernels(), w.cols()).flatMap(p -> blocks.multiply(state.weights(w, w.rows()), p, r, BlocksKernels.MOST)
                .map(product -> new RowsLaunch.InTurn(List.of(blocks.lay(x, bytes, w.cols(), p), product))));
    }

    /** A norm whose results are left as rows of 16 bits, if they may be. */
    Optional<RowsLaunch> norm(Op.RmsNorm n) {
        return normed(n.out()).map(o -> kernels.rmsNorm(values.rows(n.in()), state.vector(n.weight()), n.eps(), o));
    }

    /** The same of a layer norm. */
    Optional<RowsLaunch> norm(Op.LayerNorm n) {
        return normed(n.out()).map(o -> kernels.layerNorm(values.rows(n.in()), state.vector(n.weight()), state.vector(n.bias()), n.eps(), o));
    }

    private Optional<Operand> normed(Value v) {
        Optional<Operand> to = own(v).filter(_ -> kernels.norms(v.width()));
        to.ifPresent(o -> left.put(v, o));
        return to;
    }

    /** Rows of 16 bits in the place of a value's floats, with their scales in that of its bytes', if products alone meet it and they have room. */
    private Optional<Operand> own(Value v) {
        Rows all = values.rows(v);
        int pitch = TensorKernels.pitch(state.kernels(), v.width(), 1);
        return room.pieces() > 1 || pitch * Short.BYTES > all.pitch() * Float.BYTES ? Optional.empty() : values.operand(v)
                .map(type -> new Operand(type, all.floats(), all.scales(), 1, state.activations().rows(v), v.width(), 1, pitch));
    }

    /**
     * Rows of 16 bits without scales for what attention makes, if the next op, a product, is the only one that reads them, and they hold what pages
     * do: the product finds them there. Others find the value's floats.
     */
    Optional<Operand> attended(Op.PagedAttention a) {
        Value v = a.out();
        Optional<Operand> to = room.pieces() > 1 || !values.multipliedNext(a) ? Optional.empty() : values.operand(v)
                .filter(type -> type == DeviceFormat.BF16 || F16_PRODUCTS.contains(state.kvType()))
                .map(type -> room.unscaled(state.kernels(), type, v.width()));
        to.ifPresent(o -> left.put(v, o));
        return to;
    }

    /** Launches one after the other, which find rows as those before have left them. */
    private final class InOrder {
        private final List<RowsLaunch> launches = new ArrayList<>();
        /** Rows of 16 bits that the op before has left. */
        private final Optional<Operand> ready;
        /** What rows are laid down as: of a type, or for matrices of blocks. */
        private Optional<DeviceFormat> narrowed = Optional.empty();
        private boolean laid;
        private Rows rows = Rows.NONE;

        InOrder(Optional<Operand> ready) {
            this.ready = ready;
        }

        RowsLaunch all() {
            return new RowsLaunch.InTurn(List.copyOf(launches));
        }

        /** What puts columns of rows in another order. */
        void reorder(RowsLaunch l) {
            launches.add(l);
            forget();
        }

        private void forget() {
            narrowed = Optional.empty();
            laid = false;
        }

        private void meet(Rows x) {
            if (!x.equals(rows)) {
                forget();
                rows = x;
            }
        }

        /** Rows and a matrix: as it is, if it has blocks and there is a kernel for that, else of 16 bits. */
        void add(Rows x, WeightPlan.Matrix w, Result r) {
            meet(x);
            if (mode != Mode.MANY || w.format().dense() || !addDirect(x, w, r)) {
                addNarrow(x, w, (operand, matrix) -> kernels.multiply(operand, matrix, r));
            }
        }

        void addNarrow(Rows x, WeightPlan.Matrix w, BiFunction<Operand, Matrix, RowsLaunch> product) {
            DeviceFormat type = w.format().operand().orElseThrow();
            Operand operand = ready.orElseGet(() -> room.operand(state.kernels(), type, w.cols()));
            if (ready.isEmpty() && !narrowed.equals(Optional.of(type))) {
                launches.add(kernels.narrow(x, operand));
                narrowed = Optional.of(type);
                laid = false;
            }
            boolean expanded = !w.format().dense();
            Matrix matrix = new Matrix(type, expanded ? room.matrix() : state.address(w), w.rows(), w.cols(), expanded);
            if (expanded) {
                launches.add(kernels.expand(state.weights(w, w.rows()), matrix));
            }
            launches.add(product.apply(operand, matrix));
        }

        private boolean addDirect(Rows x, WeightPlan.Matrix w, Result r) {
            Optional<BlocksKernels.Place> place = room.place(state.kernels(), w.cols());
            Optional<RowsLaunch> product = place.flatMap(p -> blocks.multiply(state.weights(w, r.outputs()), p, r, BlocksKernels.MOST));
            product.ifPresent(launch -> {
                if (!laid) {
                    launches.add(blocks.lay(x, false, w.cols(), place.orElseThrow()));
                    narrowed = Optional.empty();
                    laid = true;
                }
                launches.add(launch);
            });
            return product.isPresent();
        }
    }
}
