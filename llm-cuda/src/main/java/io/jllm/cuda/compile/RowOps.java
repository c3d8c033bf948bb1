package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.memory.StepSize;
import io.jllm.model.Value;

/** Steps that launch one kernel, most with blocks for each row of a value. */
final class RowOps {
    private RowOps() {
    }

    /** A grid of so many blocks for each row. */
    record Across(Launch launch, int blocks, Value.Rows kind) implements CompiledOp {
        @Override
        public void launch(Stream stream, StepSize size) {
            int rows = size.rows(kind);
            if (rows > 0) {
                launch.run(stream, blocks, rows, 1);
            }
        }
    }

    /** A grid of one block for each row. */
    record Down(Launch launch, Value.Rows kind) implements CompiledOp {
        @Override
        public void launch(Stream stream, StepSize size) {
            int rows = size.rows(kind);
            if (rows > 0) {
                launch.run(stream, rows, 1, 1);
            }
        }
    }

    /** A grid of so many blocks, however many rows there are. */
    record Once(Launch launch, int blocks) implements CompiledOp {
        @Override
        public void launch(Stream stream, StepSize size) {
            launch.run(stream, blocks, 1, 1);
        }
    }
}
