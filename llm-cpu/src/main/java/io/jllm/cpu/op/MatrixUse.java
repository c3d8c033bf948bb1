package io.jllm.cpu.op;

import io.jllm.model.ExpertOp;
import io.jllm.model.HeadOp;
import io.jllm.model.LatentOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Weight;
import java.util.List;
import java.util.stream.Stream;

/**
 * How an op uses a matrix.
 *
 * @param name its tensor
 * @param parts of so many equal parts, each a matrix of its own: experts or heads
 * @param perRow how many of them a row of a step meets
 * @param gathered whether the rows that meet a part do not lie one after the other
 */
record MatrixUse(String name, int parts, int perRow, boolean gathered) {
    /** All of a program. */
    static Stream<MatrixUse> of(Program program) {
        return program.ops().stream().flatMap(MatrixUse::of);
    }

    private static Stream<MatrixUse> of(Op op) {
        return switch (op) {
            case Op.Embed e -> whole(e.table());
            case Op.AddPositions p -> whole(p.table());
            case Op.Linear l -> l.weights().stream().map(Weight::name).flatMap(MatrixUse::whole);
            case ExpertOp.ExpertLinear l -> experts(l.weights(), l.experts(), l.route().width() / 2);
            case ExpertOp.ExpertSum s -> experts(List.of(s.weight()), s.experts(), s.topK());
            case LatentOp.LatentQkv l -> heads(l.keys(), l.shape().heads());
            case LatentOp.HeadLinear l -> heads(l.weight(), l.heads());
            case Op.RmsNorm _, Op.LayerNorm _, HeadOp _, Op.PagedAttention _, Op.GatedAct _, Op.Act _, Op.Add _, Op.Scale _, Op.SelectRows _,
                 ExpertOp.Route _ -> Stream.empty();
        };
    }

    private static Stream<MatrixUse> whole(String name) {
        return Stream.of(new MatrixUse(name, 1, 1, false));
    }

    private static Stream<MatrixUse> experts(List<Weight> weights, int experts, int topK) {
        return weights.stream().map(w -> new MatrixUse(w.name(), experts, topK, true));
    }

    private static Stream<MatrixUse> heads(String name, int heads) {
        return Stream.of(new MatrixUse(name, heads, heads, false));
    }
}
