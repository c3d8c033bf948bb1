package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;

/** A product with so many rows that weights are read once for a tile of them. */
interface ManyRows {
    /** Queues it for that many rows. */
    void launch(Stream stream, int rows);

    /**
     * Our own kernel.
     *
     * @param launch of it
     * @param outputs rows of the matrix
     * @param rowsAt index of the argument that says how many rows there are
     */
    record Tiles(Launch launch, int outputs, int rowsAt) implements ManyRows {
        /** Outputs and rows of a tile. */
        private static final int TILE = 64;

        @Override
        public void launch(Stream stream, int rows) {
            launch.change(rowsAt, rows);
            launch.run(stream, Math.ceilDiv(outputs, TILE), Math.ceilDiv(rows, TILE), 1);
        }
    }
}
