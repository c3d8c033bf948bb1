package io.jllm.cuda.kernels.attention;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.StepArrays;
import io.jllm.cuda.kernels.TensorKernels;
import io.jllm.cuda.kernels.attention.AttentionKernels.Pages;
import io.jllm.cuda.kernels.attention.AttentionKernels.Scores;
import io.jllm.cuda.kernels.attention.AttentionKernels.Tiles;
import io.jllm.cuda.kernels.attention.HeadKernels.Alibi;
import io.jllm.model.Op.AttentionShape;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;

/** Launches {@code attention/flash.cu} and {@code attention/flash_wgmma.cu}: attention of tiles of queries on tensor cores, of any kind. */
public final class FlashKernels {
    /** Whose blocks stay and take jobs in turn. */
    private static final String STAYING = "attn_wgmma";
    /** The faster first; an image has it where the device does. */
    private static final List<String> FAMILIES = List.of(STAYING, "attn_flash");

    /**
     * Jobs of tiles, which the kernel is told as {@code jobs}.
     *
     * @param each jobs of a tile
     * @param most blocks
     */
    private record Jobs(Launch launch, Launch.IntArgument jobs, int each, int most) implements Tiles {
        @Override
        public void run(Stream stream, int tiles) {
            int all = Math.multiplyExact(tiles, each);
            jobs.set(all);
            launch.run(stream, Math.min(all, most), 1, 1);
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
    public FlashKernels(Kernels kernels, Arena arena, String kvSuffix, StepArrays step) {
        this.kernels = kernels;
        this.arena = arena;
        this.kvSuffix = kvSuffix;
        this.step = step;
    }

    /**
     * Rows of queries or of results, of any type.
     *
     * @param address of the first row
     * @param pitch values from row to row
     * @param kind 0 floats, 1 F16, 2 BF16
     */
    public record AnyRows(long address, int pitch, int kind) {
        /** Rows of floats. */
        public static AnyRows of(Rows y) {
            return new AnyRows(y.floats(), y.pitch(), 0);
        }

        /** Rows of 16 bits in one piece, without scales. */
        public static AnyRows of(TensorKernels.Operand y) {
            return new AnyRows(y.address(), y.pitch(), kind(y.type() == DeviceFormat.F16));
        }

        /** Rows of F16 or BF16. */
        public static AnyRows of16(long address, int pitch, boolean f16) {
            return new AnyRows(address, pitch, kind(f16));
        }

        private static int kind(boolean f16) {
            return f16 ? 1 : 2;
        }
    }

    /** Whether there are kernels for pages and heads of that kind. */
    public boolean has(AttentionShape s) {
        return name(s.headDim()).isPresent();
    }

    private Optional<String> name(int headDim) {
        return FAMILIES.stream().flatMap(f -> TensorHeads.suffix(kernels, f, headDim, kvSuffix).map(f::concat).stream()).findFirst();
    }

    /** Attention of tiles of queries, if the pages and heads are of a kind that there are kernels for; sinks are an address, or 0. */
    public Optional<Tiles> attention(AnyRows q, AnyRows y, Pages p, Scores s, boolean chunked, Alibi alibi, long sinks) {
        return name(s.shape().headDim()).map(name -> tiles(name, q, y, p, s, chunked, alibi, sinks));
    }

    private Tiles tiles(String name, AnyRows q, AnyRows y, Pages p, Scores s, boolean chunked, Alibi alibi, long sinks) {
        int[] shape = kernels.shape(name, 4); // threads, queries of a tile, rows of a job, bytes of shared memory
        Launch.Builder b = AttentionKernels.pages(kernels.launch(arena, name + "_" + kvSuffix, shape[0], shape[3]).pointer("q", q.address())
                .integer("ldq", q.pitch()).pointer("y", y.address()).integer("ldy", y.pitch()), p);
        AttentionKernels.scores(AttentionKernels.tiles(b, step), p, s).integer("chunked", chunked ? 1 : 0);
        Launch launch = alibi.add(b).pointer("sinks", sinks).integer("qKind", q.kind()).integer("yKind", y.kind()).integer("jobs", 0).build();
        return new Jobs(launch, launch.integer("jobs"), jobs(s.shape(), shape[1], shape[2]),
                name.startsWith(STAYING) ? kernels.multiprocessors() : Integer.MAX_VALUE);
    }

    /** Jobs of a tile: each has some of its queries, and heads that share keys and values, or a part of them if they are more than its rows. */
    private static int jobs(AttentionShape s, int tile, int rows) {
        int group = s.heads() / s.kvHeads();
        int parts = Math.ceilDiv(group, rows);
        int queries = Math.min(tile, rows / Math.ceilDiv(group, parts));
        return Math.ceilDiv(tile, queries) * s.kvHeads() * parts;
    }
}
