package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.TensorKernels;
import io.jllm.cuda.memory.StepSize;
import io.jllm.model.Value;
import java.util.Optional;

/** Something compiled from one or several ops: kernels with their arguments laid out. */
public interface CompiledOp {
    /** Queues its kernels for a step of that size. */
    void launch(Stream stream, StepSize size);

    /**
     * An op on each row of a value.
     *
     * @param launch for any number of rows
     * @param kind of the rows
     */
    record OfRows(RowsLaunch launch, Value.Rows kind) implements CompiledOp {
        @Override
        public void launch(Stream stream, StepSize size) {
            int rows = size.rows(kind);
            if (rows > 0) {
                launch.run(stream, rows);
            }
        }
    }

    /**
     * Products of one matrix with a few rows or with many: the first read each weight once, the others once for a tile of rows.
     *
     * @param few for at most {@link ProductKernels#MOST_FEW} rows
     * @param many for more rows; none where there are never more
     * @param most for more than {@link TensorKernels#MOST_FEWER}, if there is something better for those
     * @param kind of the rows
     */
    record Product(RowsLaunch few, Optional<RowsLaunch> many, Optional<RowsLaunch> most, Value.Rows kind) implements CompiledOp {
        @Override
        public void launch(Stream stream, StepSize size) {
            int rows = size.rows(kind);
            if (rows == 0) {
                return; // a chunk of a prompt wants no logits
            }
            if (rows > TensorKernels.MOST_FEWER && most.isPresent()) {
                most.get().run(stream, rows);
            } else {
                (rows <= ProductKernels.MOST_FEW ? few : many.orElse(few)).run(stream, rows);
            }
        }
    }
}
