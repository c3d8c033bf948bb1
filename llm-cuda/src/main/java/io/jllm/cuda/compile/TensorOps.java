package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.BlocksKernels;
import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.TensorKernels;
import io.jllm.cuda.kernels.TensorKernels.Matrix;
import io.jllm.cuda.kernels.TensorKernels.Operand;
import io.jllm.cuda.kernels.TensorKernels.Result;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.Op;
import io.jllm.model.Weight;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Compiles products by many rows: rows of floats become rows of 16 bits, quantised matrices one matrix of 16 bits, tensor cores do the rest. Where
 * there are kernels for it, up to {@link BlocksKernels#MOST} rows meet quantised matrices as they are.
 */
final class TensorOps {
    private final DeviceState state;
    private final Values values;
    private final TensorRoom room;
    private final TensorKernels kernels;
    private final BlocksKernels blocks;
    private final ProductKernels products;
    private final Ordering ordering;

    /** With the room for them. */
    TensorOps(DeviceState state, Values values, Arena arena, TensorRoom room, ProductKernels products, Ordering ordering) {
        this.state = state;
        this.values = values;
        this.room = room;
        this.products = products;
        this.ordering = ordering;
        kernels = new TensorKernels(state.kernels(), arena);
        blocks = new BlocksKernels(state.kernels(), arena);
    }

    /** A product whose rows are tokens. */
    RowsLaunch linear(Op.Linear l) {
        var launches = new Launches();
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
                launches.add(products.many(state.weights(w, w.rows()), x, state.bias(run), residual, y));
            }
            column += w.rows();
        }
        return launches.all();
    }

    /** A product of gate and up with its activation. */
    RowsLaunch gated(Rows x, WeightPlan.Matrix w, Rows y, Op.Activation act) {
        return one(x, w, new Result(w.rows() / 2, 0, Rows.NONE, y, DeviceState.number(act)));
    }

    /** One matrix. */
    RowsLaunch one(Rows x, WeightPlan.Matrix w, Result r) {
        var launches = new Launches();
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

    /** Products, as launches for up to {@link BlocksKernels#MOST} rows and for more. */
    private final class Launches {
        private final InOrder few = new InOrder();
        private final InOrder many = new InOrder();
        private boolean differ;

        void add(RowsLaunch l) {
            few.launches.add(l);
            many.launches.add(l);
        }

        /** What puts columns of rows in another order. */
        void reorder(RowsLaunch l) {
            add(l);
            few.forget();
            many.forget();
        }

        void add(Rows x, WeightPlan.Matrix w, Result r) {
            many.add(x, w, r);
            Optional<RowsLaunch> direct = w.format().dense() ? Optional.empty() : few.addDirect(x, w, r);
            if (direct.isEmpty()) {
                few.add(x, w, r);
            }
            differ |= direct.isPresent();
        }

        RowsLaunch all() {
            var most = new RowsLaunch.InTurn(List.copyOf(many.launches));
            return differ ? new RowsLaunch.UpTo(BlocksKernels.MOST, new RowsLaunch.InTurn(List.copyOf(few.launches)), most) : most;
        }
    }

    /** Launches one after the other, which find rows as those before have left them. */
    private final class InOrder {
        private final List<RowsLaunch> launches = new ArrayList<>();
        /** What rows are laid down as: of a type, or for matrices of blocks. */
        private Optional<DeviceFormat> narrowed = Optional.empty();
        private boolean laid;
        private Rows rows = Rows.NONE;

        void forget() {
            narrowed = Optional.empty();
            laid = false;
        }

        private void meet(Rows x) {
            if (!x.equals(rows)) {
                forget();
                rows = x;
            }
        }

        /** Rows and a matrix of 16 bits. */
        void add(Rows x, WeightPlan.Matrix w, Result r) {
            meet(x);
            DeviceFormat type = w.format().operand().orElseThrow();
            Operand operand = room.operand(state.kernels(), type, w.cols());
            if (!narrowed.equals(Optional.of(type))) {
                launches.add(kernels.narrow(x, operand));
                narrowed = Optional.of(type);
                laid = false;
            }
            Matrix matrix = new Matrix(type, w.format().dense() ? state.address(w) : room.matrix(), w.rows(), w.cols());
            if (!w.format().dense()) {
                launches.add(kernels.expand(state.weights(w, w.rows()), matrix));
            }
            launches.add(kernels.multiply(operand, matrix, r));
        }

        /** A matrix of blocks as it is, if there is a kernel for it. */
        Optional<RowsLaunch> addDirect(Rows x, WeightPlan.Matrix w, Result r) {
            meet(x);
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
            return product;
        }
    }
}
