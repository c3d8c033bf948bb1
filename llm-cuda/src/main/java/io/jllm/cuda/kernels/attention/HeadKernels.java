package io.jllm.cuda.kernels.attention;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.StepArrays;
import io.jllm.cuda.kernels.StepArrays.Field;
import io.jllm.cuda.kernels.attention.AttentionKernels.Pages;
import io.jllm.cuda.kernels.attention.AttentionKernels.Scores;
import io.jllm.model.Op.AttentionShape;
import java.lang.foreign.Arena;

/**
 * Launches {@code attention/heads.cu} and {@code attention/plain.cu}: what is done to heads where the fast kernels do not do it, for steps of any
 * kind.
 */
public final class HeadKernels {
    private static final String PLAIN = "attn_plain";

    /**
     * A rotation of any kind.
     *
     * @param dim dimensions of a head that are rotated
     * @param interleaved whether neighbours make a pair, not halves
     * @param frequencies where they are
     * @param factor of the rotated
     * @param longer texts of more positions have frequencies of their own
     */
    public record Rotation(int dim, boolean interleaved, long frequencies, float factor, Longer longer) {
    }

    /**
     * How long texts are rotated.
     *
     * @param above texts of more positions than this
     * @param frequencies where theirs are; 0 if they come from a base that grows with the text
     * @param factor of the rotated
     * @param base that grows
     * @param growth how fast
     */
    public record Longer(int above, long frequencies, float factor, float base, float growth) {
        /** There is nothing of the kind. */
        public static final Longer NONE = new Longer(Integer.MAX_VALUE, 0, 1, 0, 0);
    }

    /**
     * A norm of heads.
     *
     * @param kind 0 for none, 1 root mean square, 2 layer norm
     * @param scope 0 if all heads are normed alike, 1 if each has weights of its own, 2 if they are one row
     * @param weight or 0
     * @param bias or 0
     * @param eps of the norm
     */
    public record Norm(int kind, int scope, long weight, long bias, float eps) {
        /** None at all. */
        public static final Norm NONE = new Norm(0, 0, 0, 0, 0);

        private Launch.Builder add(Launch.Builder b, String of) {
            return b.integer(of + "Kind", kind).integer(of + "Scope", scope).pointer(of + "Weight", weight).pointer(of + "Bias", bias)
                    .real(of + "Eps", eps);
        }
    }

    /**
     * Linear biases.
     *
     * @param slopes where those of the heads are; 0 if there are none
     * @param factor multiplies all
     * @param rounded whether positions, and then slopes times them, are rounded to bfloat16
     */
    public record Alibi(long slopes, float factor, boolean rounded) {
        /** None at all. */
        public static final Alibi NONE = new Alibi(0, 0, false);

        Launch.Builder add(Launch.Builder b) {
            return b.pointer("slopes", slopes).real("alibiFactor", factor).integer("alibiRounded", rounded ? 1 : 0);
        }
    }

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
    public HeadKernels(Kernels kernels, Arena arena, String kvSuffix, StepArrays step) {
        this.kernels = kernels;
        this.arena = arena;
        this.kvSuffix = kvSuffix;
        this.step = step;
    }

    /** Dimensions of the largest head that there are kernels for. */
    public static int largestHead(Kernels kernels) {
        return kernels.shape(PLAIN, 2)[1];
    }

    private Launch.Builder launch(String kernel, Rows x, Rows y) {
        return kernels.launch(arena, kernel, kernels.shape(kernel, 1)[0]).pointer("x", x.floats()).integer("ldx", x.pitch())
                .pointer("y", y.floats()).integer("ldy", y.pitch());
    }

    /** Norms queries and keys, and limits all to [-clip, clip] if that is above 0. */
    public RowsLaunch norm(Rows x, Rows y, AttentionShape shape, Norm q, Norm k, float clip) {
        Launch.Builder b = k.add(q.add(AttentionKernels.heads(launch("norm_heads", x, y), shape), "q"), "k");
        return new RowsLaunch.Across(b.real("clip", clip).build(), 3);
    }

    /** Rotates queries and keys. */
    public RowsLaunch rotate(Rows x, Rows y, AttentionShape shape, Rotation r) {
        Launch.Builder b = AttentionKernels.heads(launch("rotate", x, y), shape);
        return new RowsLaunch.Across(rotation(b, r).build(), shape.heads() + 2 * shape.kvHeads());
    }

    /** Queries by a factor that grows with the position. */
    public RowsLaunch scaleQueries(Rows x, Rows y, int width, float scale, int every, int offset) {
        int threads = kernels.shape("scale_queries", 1)[0];
        return new RowsLaunch.Across(launch("scale_queries", x, y).integer("width", width).pointer("positions", step.address(Field.POSITIONS))
                .real("scale", scale).integer("every", every).integer("offset", offset).build(), Math.ceilDiv(width, threads));
    }

    /** Norms (0: no weights) and rotates queries and keys, and stores keys and values. */
    public RowsLaunch ropeStore(Rows qkv, Rows q, Pages p, AttentionShape shape, Rotation r, long qNorm, long kNorm, float eps) {
        Launch.Builder b = AttentionKernels.pages(kernels.launch(arena, "rope_store_any_" + kvSuffix, kernels.shape("rope_store_any", 1)[0])
                .pointer("qkv", qkv.floats()).integer("ldqkv", qkv.pitch()).pointer("q", q.floats()).integer("ldq", q.pitch()), p)
                .pointer("kvSlots", step.address(Field.KV_SLOTS)).integer("blockSize", p.blockSize());
        AttentionKernels.heads(b, shape).pointer("qNorm", qNorm).pointer("kNorm", kNorm).real("eps", eps);
        return new RowsLaunch.Across(rotation(b, r).build(), shape.heads() + 2 * shape.kvHeads());
    }

    /** Attention of any kind: each query by itself; of all rows, or of those that a list of numbers at an address names, if that is not 0. */
    public RowsLaunch attention(Rows q, Rows y, Pages p, Scores s, boolean chunked, Alibi alibi, long sinks, long list) {
        Launch.Builder b = AttentionKernels.pages(kernels.launch(arena, PLAIN + "_" + kvSuffix, kernels.shape(PLAIN, 2)[0])
                .pointer("q", q.floats()).integer("ldq", q.pitch()).pointer("y", y.floats()).integer("ldy", y.pitch()), p)
                .pointer("row", list).pointer("positions", step.address(Field.POSITIONS)).pointer("kvSlots", step.address(Field.KV_SLOTS))
                .pointer("sequence", step.address(Field.TOKEN_SEQUENCE)).pointer("tableAt", step.address(Field.TABLE_AT))
                .pointer("table", step.address(Field.TABLE));
        return new RowsLaunch.Across(alibi.add(AttentionKernels.scores(b, p, s).integer("chunked", chunked ? 1 : 0)).pointer("sinks", sinks).build(),
                s.shape().heads());
    }

    private Launch.Builder rotation(Launch.Builder b, Rotation r) {
        Longer l = r.longer;
        return b.pointer("positions", step.address(Field.POSITIONS)).pointer("ropeLength", step.address(Field.ROPE_LENGTH))
                .integer("rotaryDim", r.dim).integer("interleaved", r.interleaved ? 1 : 0).pointer("invFreq", r.frequencies).real("factor", r.factor)
                .integer("above", l.above).pointer("longFreq", l.frequencies).real("longFactor", l.factor).real("base", l.base)
                .real("growth", l.growth);
    }
}
