package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Launch.IntArgument;
import io.jllm.cuda.driver.Launch.PointerArgument;
import io.jllm.cuda.driver.Stream;
import java.lang.foreign.Arena;
import java.util.EnumMap;
import java.util.Map;

/** Launches {@code product/pack.cu}: from the file's layout of a matrix to the device's. One launch for each format, made when it is first needed. */
public final class PackKernels {
    private record Pack(Launch launch, PointerArgument src, PointerArgument dst, IntArgument rows, IntArgument cols, IntArgument row0) {
        static Pack of(Launch l) {
            return new Pack(l, l.pointer("src"), l.pointer("dst"), l.integer("N"), l.integer("K"), l.integer("row0"));
        }
    }

    private final Kernels kernels;
    private final Arena arena;
    private final Map<DeviceFormat, Pack> launches = new EnumMap<>(DeviceFormat.class);

    /** Launches whose memory the arena owns. */
    public PackKernels(Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.arena = arena;
    }

    /** What stands in front of matrices must be as long as kernels take it to be. */
    private void checkTable(DeviceFormat f) {
        int bytes = kernels.shape("table", DeviceFormat.values().length)[f.number()];
        if (bytes != f.table().length) {
            throw new IllegalStateException("the kernels of llm-cuda have " + bytes + " bytes for the table of the format "
                    + f.suffix() + ", Java has " + f.table().length + "; the jar was not built as a whole: build it anew, mvn clean package");
        }
    }

    private Pack make(DeviceFormat format) {
        checkTable(format);
        return Pack.of(kernels.launchAfter(arena, "pack_" + format.suffix(), kernels.shape("pack", 1)[0]).pointer("src", 0).pointer("dst", 0)
                .integer("N", 0).integer("K", 0).integer("row0", 0).build());
    }

    /**
     * Queues some rows of a matrix.
     *
     * @param from rows as in the file
     * @param to the whole matrix
     * @param rows of the whole matrix
     * @param cols of it
     * @param first the first row that stands at {@code from}
     * @param count how many
     */
    public void run(Stream stream, DeviceFormat format, long from, long to, int rows, int cols, int first, int count) {
        Pack p = launches.computeIfAbsent(format, this::make);
        p.src.set(from);
        p.dst.set(to);
        p.rows.set(rows);
        p.cols.set(cols);
        p.row0.set(first);
        p.launch.run(stream, count, 1, 1);
    }
}
