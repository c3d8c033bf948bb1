package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import java.lang.foreign.Arena;

/** Launches {@code rows/norm.cu}, {@code rows/layers.cu} and {@code rows/positions.cu}: kernels on rows. */
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

    /** Layer norm of rows of x, with weights and biases or without (0), to floats, bytes or both. */
    public RowsLaunch layerNorm(Rows x, long weight, long bias, float eps, Rows y, int width) {
        return new RowsLaunch.Down(launch("layer_norm").pointer("x", x.floats()).integer("ldx", x.pitch()).pointer("w", weight).pointer("b", bias)
                .real("eps", eps).pointer("y", y.floats()).integer("ldy", y.pitch()).pointer("q", y.bytes()).pointer("s", y.scales())
                .integer("width", width).build());
    }

    /** An activation of each number, as floats, bytes or both. */
    public RowsLaunch act(Rows x, Rows y, int width, int kind) {
        return new RowsLaunch.Across(launch("act").pointer("x", x.floats()).integer("ldx", x.pitch()).pointer("y", y.floats())
                .integer("ldy", y.pitch()).pointer("q", y.bytes()).pointer("s", y.scales()).integer("width", width).integer("kind", kind).build(),
                Math.ceilDiv(width, threads("act")));
    }

    /** y = a + scale * b, b by the sigmoid of a gate (0: none), which has one number a row. */
    public RowsLaunch add(Rows a, Rows b, float scale, Rows gate, Rows y, int width) {
        return new RowsLaunch.Across(launch("add_rows").pointer("a", a.floats()).integer("lda", a.pitch()).pointer("b", b.floats())
                .integer("ldb", b.pitch()).real("scale", scale).pointer("gate", gate.floats()).integer("ldg", gate.pitch())
                .pointer("y", y.floats()).integer("ldy", y.pitch()).integer("width", width).build(), Math.ceilDiv(width, threads("add_rows")));
    }

    /** y = factor * x, softly capped if the cap is above 0. */
    public RowsLaunch scale(Rows x, float factor, float softCap, Rows y, int width) {
        return new RowsLaunch.Across(launch("scale_rows").pointer("x", x.floats()).integer("ldx", x.pitch()).real("factor", factor)
                .real("softCap", softCap).pointer("y", y.floats()).integer("ldy", y.pitch()).integer("width", width).build(),
                Math.ceilDiv(width, threads("scale_rows")));
    }

    /** y = x + the row of a table for its position, from an offset on. */
    public RowsLaunch positions(DeviceFormat format, long table, int rows, int width, long positions, int offset, Rows x, Rows y) {
        return new RowsLaunch.Down(kernels.launch(arena, "add_positions_" + format.suffix(), threads("add_positions")).pointer("table", table)
                .integer("N", rows).integer("K", width).pointer("positions", positions).integer("offset", offset).pointer("x", x.floats())
                .integer("ldx", x.pitch()).pointer("y", y.floats()).integer("ldy", y.pitch()).build());
    }

    /** Rows of floats to 8 bits. */
    public RowsLaunch quantize(Rows x, int width) {
        return new RowsLaunch.Across(launch("quantize").pointer("x", x.floats()).integer("ldx", x.pitch()).pointer("q", x.bytes())
                .pointer("s", x.scales()).integer("K", width).build(), Math.ceilDiv(width, threads("quantize")));
    }

    /** Columns in another order, that of a list: as floats, bytes or both. */
    public RowsLaunch order(Rows x, long order, Rows y, int width) {
        return new RowsLaunch.Across(launch("order_columns").pointer("x", x.floats()).integer("ldx", x.pitch()).pointer("order", order)
                .pointer("y", y.floats()).integer("ldy", y.pitch()).pointer("q", y.bytes()).pointer("s", y.scales()).integer("width", width).build(),
                Math.ceilDiv(width, threads("order_columns")));
    }

    /**
     * Rows of floats to 8 bits, with zeros in place of what is of a magnitude from a threshold on.
     *
     * @param list receives columns and values of those, 8 bytes each, in each row with room for all
     * @param count receives how many a row has, an int each
     */
    public RowsLaunch takeOutliers(Rows x, float threshold, Rows y, long list, long count, int width) {
        return new RowsLaunch.Down(launch("take_outliers").pointer("x", x.floats()).integer("ldx", x.pitch()).real("threshold", threshold)
                .pointer("q", y.bytes()).pointer("s", y.scales()).pointer("list", list).pointer("count", count).integer("K", width).build());
    }

    /** Adds what comes of them to a product. */
    public RowsLaunch addOutliers(ProductKernels.Weights w, long list, long count, Rows y) {
        int threads = threads("add_outliers");
        return new RowsLaunch.Across(kernels.launch(arena, "add_outliers_" + w.format().suffix(), threads).pointer("W", w.address())
                .pointer("list", list).pointer("count", count).pointer("y", y.floats()).integer("ldy", y.pitch()).integer("N", w.outputs())
                .integer("K", w.cols()).build(), Math.ceilDiv(w.outputs(), threads));
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
