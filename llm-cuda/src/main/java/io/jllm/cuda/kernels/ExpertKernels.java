package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Optional;

/**
 * Launches {@code rows/route.cu}, {@code rows/choose.cu}, {@code product/expert.cu} and {@code product/head.cu}: products by matrices that stand in
 * one matrix one after the other, of experts that each row chooses, or of heads.
 */
public final class ExpertKernels {
    /** Rows up to which each has blocks of its own that norm it, score experts by it and choose, as measured on an H200; more share some in pairs. */
    private static final int MOST_APART = 12;
    private static final String ROUTE = "route";
    /** What is said of routes: threads, and for each kernel its most experts. */
    private static final int ROUTE_NUMBERS = 6;
    private static final String CHOOSE = "choose";
    private static final String CHOOSE_TWO = "choose_two";
    /** Threads, blocks of a row, and for each kernel its most experts. */
    private static final int CHOOSE_NUMBERS = 6;
    private static final String LEAST = "_64";
    private static final int FOUR = 4;
    /** The most shared memory for a normed row, in bytes. */
    private static final int MOST_NORMED = 32 << 10;
    private static final String HEAD = "head_linear";

    /**
     * How experts are chosen.
     *
     * @param scoring 0 softmax, 1 sigmoid, 2 SparseMixer
     * @param jitter of SparseMixer
     * @param bias added to scores for the choice; 0 for none
     * @param groups of experts; 0 if all can be chosen
     * @param chosen groups that count
     * @param best experts by which a group is judged
     * @param normalised whether weights are divided by their sum
     * @param scale multiplies weights then
     */
    public record Choice(int scoring, float jitter, long bias, int groups, int chosen, int best, boolean normalised, float scale) {
    }

    /**
     * What rows chose.
     *
     * @param route where it is
     * @param slots experts a row
     * @param experts how many there are
     * @param weighted whether results are multiplied by the route's weights
     */
    public record Chosen(Rows route, int slots, int experts, boolean weighted) {
        private Launch.Builder add(Launch.Builder b, long bias) {
            return b.pointer("route", route.floats()).integer("ldr", route.pitch()).integer("slots", slots).integer("experts", experts)
                    .integer("weighted", weighted ? 1 : 0).pointer("bias", bias);
        }
    }

    /**
     * Where parts of a row stand, one for each head.
     *
     * @param rows of all
     * @param stride floats from a head to the next
     * @param at floats before the part in each head
     */
    public record Parts(Rows rows, int stride, int at) {
    }

    private final Kernels kernels;
    private final Arena arena;

    /** Launches whose memory the arena owns. */
    public ExpertKernels(Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.arena = arena;
    }

    /** The most experts that a row can choose from. */
    public static int mostExperts(Kernels kernels) {
        return kernels.shape(ROUTE, ROUTE_NUMBERS)[ROUTE_NUMBERS - 1];
    }

    /** The most columns of a head's matrix. */
    public static int mostHeadCols(Kernels kernels) {
        return kernels.shape(HEAD, 3)[2];
    }

    /** Numbers and weights of experts. */
    public RowsLaunch route(Rows logits, int experts, int topK, Choice c, Rows y) {
        int[] shape = kernels.shape(ROUTE, ROUTE_NUMBERS);
        int most = Arrays.stream(shape).skip(1).filter(n -> n >= experts).findFirst().orElseThrow();
        Launch.Builder b = kernels.launch(arena, ROUTE + "_" + most, shape[0]).pointer("logits", logits.floats()).integer("ldl", logits.pitch())
                .pointer("bias", c.bias);
        return new RowsLaunch.Down(chosen(b, c, topK, experts, y).build());
    }

    /** Where rows go in pieces, if they do. */
    static Launch.Builder split(Launch.Builder b, Optional<MixtureKernels.Split> to) {
        var at = to.orElse(new MixtureKernels.Split(DeviceFormat.F16, 0, 0, 0, 0));
        boolean halves = at.type() == DeviceFormat.F16;
        return b.pointer("halves", halves ? at.address() : 0).pointer("brains", halves ? 0 : at.address()).integer("ld", at.pitch())
                .integer("piece", at.piece()).pointer("scales", at.scales());
    }

    private static Launch.Builder chosen(Launch.Builder b, Choice c, int topK, int experts, Rows y) {
        return b.integer("scoring", c.scoring).real("jitter", c.jitter).integer("groups", c.groups).integer("chosen", c.chosen)
                .integer("best", c.best).integer("normalised", c.normalised ? 1 : 0).real("scale", c.scale).integer("topK", topK)
                .integer("experts", experts).pointer("out", y.floats()).integer("ldo", y.pitch());
    }

    /**
     * A norm of rows and what scores experts by it.
     *
     * @param x rows
     * @param rowIndex of rows that are meant, 0 for all
     * @param weight of the norm
     * @param eps of the norm
     * @param y the normed rows, as floats, bytes or both
     * @param matrix whose outputs are scores
     * @param bias of scores; 0 for none
     * @param split where the normed rows go in pieces of 16 bits too
     */
    public record Scored(Rows x, long rowIndex, long weight, float eps, Rows y, ProductKernels.Weights matrix, long bias,
                         Optional<MixtureKernels.Split> split) {
    }

    /** Whether there is a kernel for a norm, scores by a matrix, and the choice by them. */
    public boolean chooses(ProductKernels.Weights matrix) {
        return kernels.find(CHOOSE + LEAST).isPresent() && matrix.format() == DeviceFormat.F32 && normedBytes(matrix) <= MOST_NORMED
                && matrix.outputs() <= kernels.shape(CHOOSE, CHOOSE_NUMBERS)[CHOOSE_NUMBERS - 1];
    }

    /** The kernel for so many experts. */
    private String chooses(String family, int experts) {
        return family + "_" + Arrays.stream(kernels.shape(CHOOSE, CHOOSE_NUMBERS)).skip(2).filter(n -> n >= experts).findFirst().orElseThrow();
    }

    /** Shared memory for a normed row. */
    private static int normedBytes(ProductKernels.Weights matrix) {
        return Math.ceilDiv(matrix.cols(), FOUR) * FOUR * Float.BYTES;
    }

    /** A norm, scores, and numbers and weights of experts, for up to {@link ProductKernels#MOST_FEW} rows. */
    public RowsLaunch choose(Scored s, int topK, Choice c, Rows y) {
        return new RowsLaunch.UpTo(MOST_APART, choose(CHOOSE, 1, s, topK, c, y), choose(CHOOSE_TWO, 2, s, topK, c, y));
    }

    private RowsLaunch choose(String family, int rows, Scored s, int topK, Choice c, Rows y) {
        int[] shape = kernels.shape(CHOOSE, CHOOSE_NUMBERS);
        Launch.Builder b = kernels.launch(arena, chooses(family, s.matrix.outputs()), shape[0], rows * normedBytes(s.matrix))
                .pointer("W", s.matrix.address()).pointer("x", s.x.floats()).integer("ldx", s.x.pitch()).pointer("rowIndex", s.rowIndex)
                .pointer("norm", s.weight).real("eps", s.eps).pointer("y", s.y.floats()).integer("ldy", s.y.pitch()).pointer("q", s.y.bytes())
                .pointer("s", s.y.scales()).pointer("bias", s.bias).integer("K", s.matrix.cols());
        Launch launch = chosen(split(b, s.split).pointer("choiceBias", c.bias), c, topK, s.matrix.outputs(), y).integer("rows", 0).build();
        return new RowsLaunch.Tiles(launch, shape[1], rows);
    }

    /** For each expert that a row chose, W x + b, by weights of which {@code outputs} are one expert's. */
    public RowsLaunch linear(ProductKernels.Weights w, Rows x, Chosen c, long bias, Rows y) {
        int[] shape = kernels.shape("expert", 2);
        Launch.Builder b = c.add(input(kernels.launch(arena, "expert_" + w.format().suffix(), shape[0]), w, x), bias);
        return new RowsLaunch.Parts(b.pointer("y", y.floats()).integer("ldy", y.pitch()).integer("N", w.outputs()).integer("K", w.cols()).build(),
                blocks(w.outputs(), shape[1]), c.slots);
    }

    /** The sum of W x_k + b over the experts that a row chose, and the residual. */
    public RowsLaunch sum(ProductKernels.Weights w, Rows x, Chosen c, long bias, Rows residual, Rows y) {
        int[] shape = kernels.shape("expert", 2);
        Launch.Builder b = c.add(input(kernels.launch(arena, "expert_sum_" + w.format().suffix(), shape[0]), w, x), bias);
        return new RowsLaunch.Across(b.pointer("residual", residual.floats()).integer("ldres", residual.pitch()).pointer("y", y.floats())
                .integer("ldy", y.pitch()).integer("N", w.outputs()).integer("K", w.cols()).build(), blocks(w.outputs(), shape[1]));
    }

    /** A product for each head, by weights of which {@code outputs} are one head's. */
    public RowsLaunch heads(ProductKernels.Weights w, int heads, Parts x, Parts y) {
        int[] shape = kernels.shape(HEAD, 3);
        return new RowsLaunch.Parts(kernels.launch(arena, HEAD + "_" + w.format().suffix(), shape[0]).pointer("W", w.address())
                .pointer("x", x.rows.floats()).integer("ldx", x.rows.pitch()).integer("xHead", x.stride).integer("xAt", x.at)
                .pointer("y", y.rows.floats()).integer("ldy", y.rows.pitch()).integer("yHead", y.stride).integer("yAt", y.at)
                .integer("heads", heads).integer("N", w.outputs()).integer("K", w.cols()).build(), blocks(w.outputs(), shape[1]), heads);
    }

    /** What of latent attention's queries, keys and values needs no product. */
    public RowsLaunch latentParts(Rows q, Rows kv, long norm, float eps, Rows y, int heads, int latent, int rope, int nope) {
        return new RowsLaunch.Down(kernels.launch(arena, "latent_parts", kernels.shape("latent_parts", 1)[0]).pointer("q", q.floats())
                .integer("ldq", q.pitch()).pointer("kv", kv.floats()).integer("ldkv", kv.pitch()).pointer("norm", norm).real("eps", eps)
                .pointer("y", y.floats()).integer("ldy", y.pitch()).integer("heads", heads).integer("latent", latent).integer("rope", rope)
                .integer("nope", nope).build());
    }

    /** Rows are read four by four: where matrices do not begin at a multiple of 4, a block has fewer outputs. */
    private static int blocks(int outputs, int rows) {
        return Math.ceilDiv(outputs, outputs % 4 == 0 ? rows : rows - 4);
    }

    private static Launch.Builder input(Launch.Builder b, ProductKernels.Weights w, Rows x) {
        return ProductKernels.input(b.pointer("W", w.address()), w, x);
    }
}
