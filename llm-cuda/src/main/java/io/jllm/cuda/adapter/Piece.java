package io.jllm.cuda.adapter;

import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.quant.Weights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A part of an adapter, as it lies on the device. */
sealed interface Piece {
    /** Bytes that it takes there. */
    long bytes();

    /** Brings it to its place. */
    void write(DeviceMemory to, long at);

    /**
     * Rows behind each other, each from a multiple of 16 bytes on.
     *
     * @param factor of all numbers
     */
    record Lines(Weights from, ElementType type, float factor) implements Piece {
        /** Bytes on the host at a time, but for longer rows. */
        private static final long MOST_BYTES = 8 << 20;

        private long pitch() {
            return type.pitch(cols());
        }

        private int cols() {
            return Math.toIntExact(from.cols());
        }

        @Override
        public long bytes() {
            return from.rows() * pitch();
        }

        @Override
        public void write(DeviceMemory to, long at) {
            int rows = (int) Math.clamp(MOST_BYTES / pitch(), 1, Math.max(1, from.rows()));
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment host = arena.allocate(rows * pitch(), ElementType.LANE_BYTES);
                var values = new float[cols()];
                for (long row = 0; row < from.rows(); row += rows) {
                    int n = (int) Math.min(rows, from.rows() - row);
                    for (int r = 0; r < n; r++) {
                        from.decode(row + r, 1, values, 0);
                        for (int c = 0; c < values.length; c++) {
                            type.set(host, r * pitch() + (long) c * type.bytes(), factor * values[c]);
                        }
                    }
                    to.write(host.asSlice(0, n * pitch()), at + row * pitch());
                }
            }
        }
    }

    /** The columns of a matrix as rows, each from a multiple of 16 bytes on. */
    record Columns(Weights from, ElementType type, float factor) implements Piece {
        @Override
        public long bytes() {
            return from.cols() * type.pitch(Math.toIntExact(from.rows()));
        }

        @Override
        public void write(DeviceMemory to, long at) {
            long pitch = type.pitch(Math.toIntExact(from.rows()));
            each(this, from, to, at, (host, row, col, x) -> type.set(host, col * pitch + row * type.bytes(), factor * x));
        }
    }

    /** For each 16 bytes of a row a plane, which has those of all rows. */
    record Planes(Weights from, ElementType type, float factor) implements Piece {
        @Override
        public long bytes() {
            return from.rows() * type.pitch(Math.toIntExact(from.cols()));
        }

        @Override
        public void write(DeviceMemory to, long at) {
            int lanes = type.lanes();
            each(this, from, to, at, (host, row, col, x) -> type.set(host,
                    (col / lanes * from.rows() + row) * ElementType.LANE_BYTES + col % lanes * type.bytes(), factor * x));
        }
    }

    /** Floats. */
    record Numbers(float[] all) implements Piece {
        @Override
        public long bytes() {
            return (long) Float.BYTES * all.length;
        }

        @Override
        public void write(DeviceMemory to, long at) {
            try (Arena arena = Arena.ofConfined()) {
                to.write(arena.allocateFrom(ValueLayout.JAVA_FLOAT, all), at);
            }
        }
    }

    /** Whole numbers. */
    record Indices(int[] all) implements Piece {
        @Override
        public long bytes() {
            return (long) Integer.BYTES * all.length;
        }

        @Override
        public void write(DeviceMemory to, long at) {
            try (Arena arena = Arena.ofConfined()) {
                to.write(arena.allocateFrom(ValueLayout.JAVA_INT, all), at);
            }
        }
    }

    /** Takes a number of a matrix to its place. */
    interface Put {
        /** That of a row and a column. */
        void put(MemorySegment host, long row, long col, float x);
    }

    private static void each(Piece piece, Weights from, DeviceMemory to, long at, Put put) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(piece.bytes(), ElementType.LANE_BYTES); // all 0
            var values = new float[Math.toIntExact(from.cols())];
            for (long row = 0; row < from.rows(); row++) {
                from.decode(row, 1, values, 0);
                for (int col = 0; col < values.length; col++) {
                    put.put(host, row, col, values[col]);
                }
            }
            to.write(host, at);
        }
    }
}
