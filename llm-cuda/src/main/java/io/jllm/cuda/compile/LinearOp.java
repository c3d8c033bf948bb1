package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.memory.StepSize;
import io.jllm.model.Value;
import java.util.List;
import java.util.Optional;

/**
 * Products of one matrix with a few rows or with many. The kernels for few rows read each weight once and come in sizes; that for many works in
 * tiles.
 *
 * @param few kernels for up to 1, 2, 4 and 8 rows
 * @param fewBlocks blocks of their grids
 * @param many for more rows; none where there are never more
 * @param rowsAt index of the argument that says how many rows there are
 * @param kind of the rows
 */
public record LinearOp(List<Launch> few, int fewBlocks, Optional<ManyRows> many, int rowsAt, Value.Rows kind) implements CompiledOp {
    /** Most rows for which weights are read row by row. */
    public static final int MOST_FEW = 8;

    @Override
    public void launch(Stream stream, StepSize size) {
        int rows = size.rows(kind);
        if (rows == 0) {
            return; // a chunk of a prompt wants no logits
        }
        if (rows <= MOST_FEW || many.isEmpty()) {
            Launch launch = few.get(Integer.SIZE - Integer.numberOfLeadingZeros(rows - 1));
            launch.change(rowsAt, rows);
            launch.run(stream, fewBlocks, 1, 1);
        } else {
            many.get().launch(stream, rows);
        }
    }
}
