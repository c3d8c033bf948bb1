package io.jllm.cuda.kernels.attention;

import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.StepArrays;
import io.jllm.cuda.kernels.StepArrays.Field;
import io.jllm.cuda.kernels.attention.FlashKernels.AnyRows;
import java.lang.foreign.Arena;

/** Launches {@code attention/single_rows.cu}: rows of single queries from 16 bits to floats and back, for so many single queries of a step. */
public final class SingleRowKernels {
    private static final String WIDEN = "widen_singles";
    private static final String NARROW = "narrow_singles";
    private static final String FAMILY = "single_rows";

    private final Kernels kernels;
    private final Arena arena;
    private final StepArrays step;

    /**
     * Launches whose memory the arena owns.
     *
     * @param step where a step's numbers are
     */
    public SingleRowKernels(Kernels kernels, Arena arena, StepArrays step) {
        this.kernels = kernels;
        this.arena = arena;
        this.step = step;
    }

    /** Rows of 16 bits, of which each single query has one, to the same rows of floats; so many values each, a multiple of 4. */
    public RowsLaunch widen(AnyRows x, Rows y, int width) {
        return launch(WIDEN, x, width, x.address(), x.pitch(), y.floats(), y.pitch());
    }

    /** Rows of floats to the same rows of 16 bits; what is too large for F16 becomes its largest number. */
    public RowsLaunch narrow(Rows x, AnyRows y, int width) {
        return launch(NARROW, y, width, x.floats(), x.pitch(), y.address(), y.pitch());
    }

    private RowsLaunch launch(String name, AnyRows narrow, int width, long from, int fromPitch, long to, int toPitch) {
        String type = (narrow.kind() == 1 ? DeviceFormat.F16 : DeviceFormat.BF16).suffix();
        return new RowsLaunch.Down(kernels.launch(arena, name + "_" + type, kernels.shape(FAMILY, 1)[0]).pointer("x", from)
                .integer("ldx", fromPitch).pointer("row", step.address(Field.SINGLE_ROW)).pointer("y", to).integer("ldy", toPitch)
                .integer("width", width).build());
    }
}
