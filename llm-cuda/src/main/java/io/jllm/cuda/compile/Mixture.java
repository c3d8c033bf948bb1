package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.GroupKernels;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.ExpertOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A mixture of experts that is compiled as a whole: gates and ups of the chosen experts, their activation, and the sum of what comes of it, where
 * nobody else reads what stands between them.
 *
 * @param gateUp gate and up
 * @param act their activation
 * @param sum of the experts' results
 */
record Mixture(ExpertOp.ExpertLinear gateUp, Op.GatedAct act, ExpertOp.ExpertSum sum) {
    /** How many ops it is. */
    static final int OPS = 3;
    /** Outputs of down that are added together. */
    private static final int TOGETHER = 4;

    /** All of a program that kernels by groups do. */
    static List<Mixture> all(Program program, WeightPlan plan) {
        var all = new ArrayList<Mixture>();
        List<Op> ops = program.ops();
        for (int i = 0; i + OPS <= ops.size(); i++) {
            if (ops.get(i) instanceof ExpertOp.ExpertLinear l && ops.get(i + 1) instanceof Op.GatedAct g
                    && ops.get(i + 2) instanceof ExpertOp.ExpertSum e) {
                Optional.of(new Mixture(l, g, e)).filter(m -> m.belongs(program) && m.fits(plan)).ifPresent(all::add);
            }
        }
        return List.copyOf(all);
    }

    private boolean belongs(Program program) {
        return act.gateUp().equals(gateUp.out()) && sum.in().equals(act.out()) && sum.route().equals(gateUp.route())
                && sum.experts() == gateUp.experts() && onlyRead(program, gateUp.out()) && onlyRead(program, act.out());
    }

    private static boolean onlyRead(Program program, Value v) {
        return !program.logits().equals(v) && program.ops().stream().filter(op -> op.inputs().contains(v)).count() == 1;
    }

    private boolean fits(WeightPlan plan) {
        List<Weight> w = gateUp.weights();
        if (w.size() != 2 || gateUp.weighted() || w.getFirst().rows() != w.getLast().rows()
                || w.getFirst().bias().isPresent() != w.getLast().bias().isPresent()) {
            return false;
        }
        if (gateUp.in().width() > GroupKernels.MOST_COLUMNS) {
            return false;
        }
        DeviceFormat gate = format(plan, w.getFirst());
        DeviceFormat down = format(plan, sum.weight());
        return gate == format(plan, w.getLast()) && gate.dense() == down.dense() && gate.scaled() == down.scaled()
                && (gate == DeviceFormat.F32) == (down == DeviceFormat.F32)
                && w.getFirst().rows() % GroupKernels.GATED_OUTPUTS == 0 && sum.weight().rows() % TOGETHER == 0;
    }

    private static DeviceFormat format(WeightPlan plan, Weight w) {
        return plan.matrix(List.of(w.name())).format();
    }

    /** Experts that a row chooses. */
    int slots() {
        return sum.topK();
    }

    /** Numbers inside an expert. */
    int inner() {
        return gateUp.weights().getFirst().rows();
    }
}
