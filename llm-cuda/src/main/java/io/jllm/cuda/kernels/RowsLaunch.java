package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import java.util.List;

/** One or several launches that work on so many rows, whatever their number. */
public interface RowsLaunch {
    /** Nothing at all. */
    RowsLaunch NONE = new InTurn(List.of());

    /** Queues it for that many rows, at least 1. */
    void run(Stream stream, int rows);

    /** Launches, one after the other. */
    record InTurn(List<RowsLaunch> launches) implements RowsLaunch {
        @Override
        public void run(Stream stream, int rows) {
            for (RowsLaunch l : launches) {
                l.run(stream, rows);
            }
        }

        @Override
        public String toString() {
            return launches.toString();
        }
    }

    /** A grid of so many blocks for each row. */
    record Across(Launch launch, int blocks) implements RowsLaunch {
        @Override
        public void run(Stream stream, int rows) {
            launch.run(stream, blocks, rows, 1);
        }
    }

    /** A grid of so many blocks for each row and each part of it. */
    record Parts(Launch launch, int blocks, int parts) implements RowsLaunch {
        @Override
        public void run(Stream stream, int rows) {
            launch.run(stream, blocks, rows, parts);
        }
    }

    /** A grid of one block for each row. */
    record Down(Launch launch) implements RowsLaunch {
        @Override
        public void run(Stream stream, int rows) {
            launch.run(stream, rows, 1, 1);
        }
    }

    /** A grid of so many blocks, whatever the number of rows, which the kernel is told as {@code rows}. */
    record Told(Launch launch, Launch.IntArgument rows, int blocks) implements RowsLaunch {
        Told(Launch launch, int blocks) {
            this(launch, launch.integer("rows"), blocks);
        }

        @Override
        public void run(Stream stream, int n) {
            rows.set(n);
            launch.run(stream, blocks, 1, 1);
        }

        @Override
        public String toString() {
            return launch.toString();
        }
    }

    /** A grid of so many blocks for each tile of so many rows; the kernel is told the number of rows as {@code rows}. */
    record Tiles(Launch launch, Launch.IntArgument rows, int across, int tile) implements RowsLaunch {
        Tiles(Launch launch, int across, int tile) {
            this(launch, launch.integer("rows"), across, tile);
        }

        @Override
        public void run(Stream stream, int n) {
            rows.set(n);
            launch.run(stream, across, Math.ceilDiv(n, tile), 1);
        }

        @Override
        public String toString() {
            return launch.toString();
        }
    }

    /** One of two, by the number of rows: {@code few} for up to so many. */
    record UpTo(int most, RowsLaunch few, RowsLaunch many) implements RowsLaunch {
        @Override
        public void run(Stream stream, int rows) {
            (rows <= most ? few : many).run(stream, rows);
        }

        @Override
        public String toString() {
            return "up to " + most + " rows " + few + ", more " + many;
        }
    }
}
