package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.memory.StepSize;
import io.jllm.model.Value;
import java.util.List;

/**
 * A product of queries, keys and values and their rotation.
 *
 * @param together both, for steps of which {@link AttentionOp#rotates} says so
 * @param apart one after the other, for others
 */
record RotatedOp(RowsLaunch together, List<CompiledOp> apart) implements CompiledOp {
    @Override
    public void launch(Stream stream, StepSize size) {
        if (AttentionOp.rotates(size)) {
            together.run(stream, size.rows(Value.Rows.TOKENS));
        } else {
            apart.forEach(op -> op.launch(stream, size));
        }
    }
}
