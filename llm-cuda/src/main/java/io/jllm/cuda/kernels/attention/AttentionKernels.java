package io.jllm.cuda.kernels.attention;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.StepArrays;
import io.jllm.cuda.kernels.StepArrays.Field;
import io.jllm.model.Op.AttentionShape;
import java.lang.foreign.Arena;

/** Launches {@code attention/attention.cu}: rotation and storing of keys and values, attention of tiles of queries, copies of blocks. */
public final class AttentionKernels {
    private static final String PREFILL = "attn_prefill";

    /**
     * The pages of a layer.
     *
     * @param kv where all pages are
     * @param blockBytes from a block to the next
     * @param layerAt where the layer is in a block
     * @param blockSize positions a block
     */
    public record Pages(long kv, long blockBytes, long layerAt, int blockSize) {
    }

    /**
     * A rotation of queries and keys, and the norms before it.
     *
     * @param dim dimensions of a head that are rotated
     * @param interleaved whether neighbours make a pair, not halves
     * @param frequencies where they are
     * @param factor of the rotated
     * @param qNorm norm weights of queries, or 0
     * @param kNorm of keys, or 0
     * @param eps of norms
     */
    public record Rotation(int dim, boolean interleaved, long frequencies, float factor, long qNorm, long kNorm, float eps) {
    }

    /**
     * What scores are made of.
     *
     * @param shape of the heads
     * @param scale of dot products
     * @param window positions that are seen, or 0 for all
     * @param softCap or 0
     */
    public record Scores(AttentionShape shape, float scale, int window, float softCap) {
        /** The same of queries that have been multiplied by the scale. */
        public Scores scaled() {
            return new Scores(shape, 1, window, softCap);
        }
    }

    /** Attention of tiles of queries. */
    public interface Tiles {
        /** Queues it for that many tiles. */
        void run(Stream stream, int tiles);
    }

    /** A launch, its blocks for each tile, and how many of those for each head by itself. */
    private record Blocks(Launch launch, int blocks, int heads) implements Tiles {
        @Override
        public void run(Stream stream, int tiles) {
            launch.run(stream, Math.multiplyExact(tiles, blocks), heads, 1);
        }
    }

    /** Copies of blocks: a launch and its blocks for each pair. */
    public record Copy(Launch launch, int blocks) {
        /** Queues it for that many pairs. */
        public void run(Stream stream, int pairs) {
            launch.run(stream, blocks, pairs, 1);
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
    public AttentionKernels(Kernels kernels, Arena arena, String kvSuffix, StepArrays step) {
        this.kernels = kernels;
        this.arena = arena;
        this.kvSuffix = kvSuffix;
        this.step = step;
    }

    private Launch.Builder launch(String family, int[] shape) {
        return kernels.launch(arena, family + "_" + kvSuffix, shape[0]);
    }

    /** The most queries of one sequence that a tile has. */
    static int tileQueries(Kernels kernels) {
        return kernels.shape(PREFILL, 3)[1];
    }

    /** Norms and rotates queries and keys, and stores keys and values: a block for some heads of a row. */
    public RowsLaunch ropeStore(Rows qkv, Rows q, Pages p, AttentionShape shape, Rotation r) {
        int[] block = kernels.shape("rope_store", 2);
        Launch.Builder b = pages(launch("rope_store", block).pointer("qkv", qkv.floats()).integer("ldqkv", qkv.pitch())
                .pointer("q", q.floats()).integer("ldq", q.pitch()), p).pointer("positions", step.address(Field.POSITIONS))
                .pointer("kvSlots", step.address(Field.KV_SLOTS)).integer("blockSize", p.blockSize);
        return new RowsLaunch.Across(rotation(heads(b, shape), r).build(), Math.ceilDiv(shape.heads() + 2 * shape.kvHeads(), block[1]));
    }

    /** Attention of tiles of queries, in floats. */
    public Tiles prefill(Rows q, Rows y, Pages p, Scores s) {
        int[] shape = kernels.shape(PREFILL, 3);
        Launch.Builder b = pages(launch(PREFILL, shape).pointer("q", q.floats()).integer("ldq", q.pitch())
                .pointer("y", y.floats()).integer("ldy", y.pitch()), p);
        return new Blocks(scores(tiles(b, step), p, s).build(), shape[2], s.shape.heads());
    }

    /** Copies blocks: pairs of from and to. */
    public static Copy copyBlocks(Kernels kernels, Arena arena, long kv, long blockBytes, long fromTo) {
        int[] shape = kernels.shape("copy_blocks", 2);
        return new Copy(kernels.launch(arena, "copy_blocks", shape[0]).pointer("kv", kv).wide("blockBytes", blockBytes)
                .pointer("fromTo", fromTo).build(), shape[1]);
    }

    // Lists of arguments that several kernels have.

    static Launch.Builder pages(Launch.Builder b, Pages p) {
        return b.pointer("kv", p.kv).wide("blockBytes", p.blockBytes).wide("layerAt", p.layerAt);
    }

    static Launch.Builder tiles(Launch.Builder b, StepArrays step) {
        return b.pointer("tileRow", step.address(Field.TILE_ROW)).pointer("tileRows", step.address(Field.TILE_ROWS))
                .pointer("tileSeq", step.address(Field.TILE_SEQUENCE)).pointer("positions", step.address(Field.POSITIONS))
                .pointer("tableAt", step.address(Field.TABLE_AT)).pointer("table", step.address(Field.TABLE));
    }

    static Launch.Builder heads(Launch.Builder b, AttentionShape s) {
        return b.integer("heads", s.heads()).integer("kvHeads", s.kvHeads()).integer("headDim", s.headDim());
    }

    static Launch.Builder scores(Launch.Builder b, Pages p, Scores s) {
        return heads(b.integer("blockSize", p.blockSize), s.shape).real("scale", s.scale).integer("window", s.window).real("softCap", s.softCap);
    }

    static Launch.Builder rotation(Launch.Builder b, Rotation r) {
        return b.integer("rotaryDim", r.dim).integer("interleaved", r.interleaved ? 1 : 0).pointer("invFreq", r.frequencies)
                .real("factor", r.factor).pointer("qNorm", r.qNorm).pointer("kNorm", r.kNorm).real("eps", r.eps);
    }
}
