package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.ExpertKernels;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.attention.HeadKernels;
import io.jllm.model.ExpertOp;
import io.jllm.model.HeadOp;
import io.jllm.model.LatentOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.quant.WeightSource;
import java.util.List;
import java.util.stream.Stream;

/** What kernels have no room for, or do not do. */
public final class Limits {
    private final Kernels kernels;

    /** Those of loaded kernels. */
    public Limits(Kernels kernels) {
        this.kernels = kernels;
    }

    /** Every reason for which a program cannot run, each once; none if it can. */
    public List<String> problems(Program program) {
        return program.ops().stream().flatMap(this::problems).distinct().toList();
    }

    /** Why products of these weights cannot have activations that are floats; none if they can. */
    public static List<String> floatActivations(Program program, WeightSource weights) {
        return program.ops().stream().filter(op -> !(op instanceof Op.Embed || op instanceof Op.AddPositions)) // which only read rows
                .flatMap(op -> op.tensors().stream()).flatMap(t -> weights.find(t.name()).stream())
                .filter(w -> w.stored().filter(DType::isQuantized).isPresent()).findFirst()
                .map(w -> "activations float were asked for, but tensor " + w.name() + " has type " + w.format() + ", for which the kernels of"
                        + " the cuda backend take activations of 8 bits: leave activations out, use the cpu backend, or convert the model to F16")
                .stream().toList();
    }

    private Stream<String> problems(Op op) {
        return switch (op) {
            case HeadOp.RopeStoreKv r -> heads("heads of keys and values have", r.shape().headDim());
            case HeadOp.Rotate r -> heads("heads that are rotated have", r.shape().headDim());
            case Op.PagedAttention a -> heads("heads of attention have", a.shape().headDim());
            case ExpertOp.Route r -> above("mixtures have", r.logits().width(), ExpertKernels.mostExperts(kernels), "experts");
            case LatentOp.LatentQkv l -> columns(l.shape().nope());
            case LatentOp.HeadLinear l -> columns(l.in().width() / l.heads() - l.skip());
            case Op.Embed _, Op.AddPositions _, Op.RmsNorm _, Op.LayerNorm _, Op.Linear _, Op.GatedAct _, Op.Act _, Op.Add _, Op.Scale _,
                 Op.SelectRows _, HeadOp.NormHeads _, HeadOp.ScaleQueries _, ExpertOp.ExpertLinear _, ExpertOp.ExpertSum _ -> Stream.of();
        };
    }

    private Stream<String> heads(String what, int dimensions) {
        return above(what, dimensions, HeadKernels.largestHead(kernels), "dimensions");
    }

    private Stream<String> columns(int count) {
        return above("matrices of heads have", count, ExpertKernels.mostHeadCols(kernels), "columns");
    }

    private static Stream<String> above(String what, int value, int limit, String of) {
        return value > limit ? Stream.of(what + " " + value + " " + of + ", the cuda backend takes at most " + limit + ": use the cpu backend")
                : Stream.of();
    }
}
