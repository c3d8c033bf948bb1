package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import java.lang.foreign.Arena;

/** Launches {@code rows/norm.cu}: kernels on rows. */
public final class RowKernels {
    private final Kernels kernels;
    private final Arena arena;

    /** Launches whose memory the arena owns. */
    public RowKernels(Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.arena = arena;
    }

    private int threads(String kernel) {
        return kernels.shape(kernel, 1)[0];
    }

    private Launch.Builder launch(String kernel) {
        return kernels.launch(arena, kernel, threads(kernel));
    }

    /** Norms rows of x, or those that an index names (0: all), to floats, bytes or both. */
    public RowsLaunch norm(Rows x, long rowIndex, long weight, float eps, Rows y, int width) {
        return new RowsLaunch.Down(launch("rms_norm").pointer("x", x.floats()).integer("ldx", x.pitch()).pointer("rowIndex", rowIndex)
                .pointer("w", weight).real("eps", eps).pointer("y", y.floats()).integer("ldy", y.pitch()).pointer("q", y.bytes())
                .pointer("s", y.scales()).integer("width", width).build());
    }

    /** Rows of floats to 8 bits. */
    public RowsLaunch quantize(Rows x, int width) {
        return new RowsLaunch.Across(launch("quantize").pointer("x", x.floats()).integer("ldx", x.pitch()).pointer("q", x.bytes())
                .pointer("s", x.scales()).integer("K", width).build(), Math.ceilDiv(width, threads("quantize")));
    }

    /** Gate and up to their activation, as floats, bytes or both. */
    public RowsLaunch gated(Rows x, Rows y, int width, int act) {
        return new RowsLaunch.Across(launch("gated").pointer("x", x.floats()).integer("ldx", x.pitch()).pointer("y", y.floats())
                .integer("ldy", y.pitch()).pointer("q", y.bytes()).pointer("s", y.scales()).integer("width", width).integer("act", act).build(),
                Math.ceilDiv(width, threads("gated")));
    }

    /** Copies the rows that an index names. */
    public RowsLaunch select(Rows x, long rowIndex, Rows y, int width) {
        return new RowsLaunch.Down(launch("select_rows").pointer("x", x.floats()).integer("ldx", x.pitch()).pointer("rowIndex", rowIndex)
                .pointer("y", y.floats()).integer("ldy", y.pitch()).integer("width", width).build());
    }
}
