package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.memory.StepSize;
import io.jllm.model.Value;

/**
 * An op on each row of a value.
 *
 * @param launch for any number of rows
 * @param kind of the rows
 */
record RowsOp(RowsLaunch launch, Value.Rows kind) implements CompiledOp {
    @Override
    public void launch(Stream stream, StepSize size) {
        int rows = size.rows(kind);
        if (rows > 0) {
            launch.run(stream, rows);
        }
    }
}
