package io.jllm.cuda.kernels;

import java.lang.foreign.Arena;

/** Launches {@code rows/embed.cu}: rows of a table by token id. */
public final class EmbedKernels {
    private EmbedKernels() {
    }

    /** A row of y for each id; ids outside the table are padding. */
    public static RowsLaunch embed(Kernels kernels, Arena arena, DeviceFormat format, long table, int tokens, int width, long ids, Rows y) {
        return new RowsLaunch.Down(kernels.launch(arena, "embed_" + format.suffix(), kernels.shape("embed", 1)[0])
                .pointer("table", table).integer("N", tokens).integer("K", width).pointer("ids", ids)
                .pointer("y", y.floats()).integer("ldy", y.pitch()).build());
    }
}
