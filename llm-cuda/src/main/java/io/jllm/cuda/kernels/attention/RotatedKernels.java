package io.jllm.cuda.kernels.attention;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.TensorMap;
import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.StepArrays;
import io.jllm.cuda.kernels.StepArrays.Field;
import io.jllm.cuda.kernels.TensorKernels.Matrix;
import io.jllm.cuda.kernels.TensorKernels.Operand;
import io.jllm.model.Op.AttentionShape;
import java.lang.foreign.Arena;
import java.util.List;

/**
 * Launches {@code product/rotated.cu}: the product of queries, keys and values by many rows on Hopper, which norms and rotates its results, leaves
 * queries as rows of 16 bits and brings keys and values to their pages.
 */
public final class RotatedKernels {
    private static final String FAMILY = "rotated";
    private static final String ANGLES = "rope_angles";
    private static final List<Integer> HEADS = List.of(64, 128);

    private final Kernels kernels;
    private final Arena arena;
    private final String kvSuffix;
    private final StepArrays step;

    /**
     * Launches whose memory the arena owns.
     *
     * @param kvSuffix the type of keys and values as names of kernels end
     * @param step where a step's numbers are
     */
    public RotatedKernels(Kernels kernels, Arena arena, String kvSuffix, StepArrays step) {
        this.kernels = kernels;
        this.arena = arena;
        this.kvSuffix = kvSuffix;
        this.step = step;
    }

    /**
     * What becomes of heads.
     *
     * @param shape of the heads
     * @param rotation of whole heads
     * @param pages where keys and values go
     * @param queries where queries times the scale go, of the type of pages, without gaps
     * @param scale of dot products
     * @param angles where cosines and sines of each row's angles are
     */
    public record Heads(AttentionShape shape, AttentionKernels.Rotation rotation, AttentionKernels.Pages pages, long queries,
            float scale, long angles) {
        private String size() {
            return "_d" + shape.headDim();
        }
    }

    /** Bytes of the angles of a row. */
    public static int angleBytes(int headDim) {
        return headDim * Float.BYTES;
    }

    /** Whether there are kernels for such weights and heads, all of whose dimensions are rotated. */
    public boolean has(DeviceFormat weights, int headDim, int rotaryDim) {
        return headDim == rotaryDim && HEADS.contains(headDim) && TensorMap.known() && kernels.find(name(weights, "_d" + headDim)).isPresent();
    }

    private String name(DeviceFormat weights, String size) {
        return FAMILY + "_" + weights.suffix() + size + "_" + kvSuffix;
    }

    /** Cosines and sines of the angles of each row's position. */
    public RowsLaunch angles(AttentionKernels.Rotation r, long to) {
        return new RowsLaunch.Down(kernels.launch(arena, ANGLES, kernels.shape(ANGLES, 1)[0]).pointer("positions", step.address(Field.POSITIONS))
                .integer("half", r.dim() / 2).pointer("invFreq", r.frequencies()).real("factor", r.factor()).pointer("angles", to).build());
    }

    /** The product of an operand of one piece and a matrix of the same type, with biases or without (0). */
    public RowsLaunch multiply(Operand x, Matrix w, long bias, Heads h) {
        int[] shape = kernels.shape(FAMILY, 6); // threads, rows, columns, blocks of a cluster, shared bytes, rows of a box of the matrix
        AttentionKernels.Rotation r = h.rotation;
        Launch.Builder b = kernels.launch(arena, name(w.type(), h.size()), shape[0], shape[4]).map("a", x.map(arena, shape[1]))
                .map("b", w.map(arena, shape[5])).pointer("scale", x.usedScales()).real("unit", x.unit()).pointer("bias", bias)
                .integer("N", w.rows()).integer("K", x.cols()).integer("rows", 0).pointer("q", h.queries)
                .integer("ldq", h.shape.heads() * h.shape.headDim()).real("qFactor", h.scale);
        Launch launch = AttentionKernels.pages(b, h.pages).pointer("kvSlots", step.address(Field.KV_SLOTS))
                .integer("blockSize", h.pages.blockSize()).integer("heads", h.shape.heads()).integer("kvHeads", h.shape.kvHeads())
                .integer("interleaved", r.interleaved() ? 1 : 0).pointer("angles", h.angles).pointer("qNorm", r.qNorm()).pointer("kNorm", r.kNorm())
                .real("eps", r.eps()).build();
        Launch.IntArgument rows = launch.integer("rows");
        int clusters = kernels.multiprocessors() / shape[3];
        int across = Math.ceilDiv(w.rows(), shape[2]);
        return (stream, n) -> {
            rows.set(n);
            int tiles = Math.multiplyExact(across, Math.ceilDiv(n, shape[1] * shape[3]));
            launch.run(stream, Math.min(tiles, clusters) * shape[3], 1, 1);
        };
    }
}
