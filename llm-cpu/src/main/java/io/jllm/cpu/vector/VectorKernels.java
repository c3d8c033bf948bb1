package io.jllm.cpu.vector;

import static io.jllm.cpu.layout.Rows.FLOAT;

import io.jllm.cpu.kernels.LoopKernels;
import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.StoredMatrix;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.ThinProducts;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.ThinColumns;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.model.Op.Activation;
import io.jllm.model.Rope;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The Vector API, in the width that the processor prefers. Products of weights are left to {@link VectorProducts} or to machine code, which
 * rearrange them; the few that stay as the file has them, such as those of a single row, are decoded to floats, a tile at a time.
 *
 * <p>The species is a constant of the class, because only then does the compiler keep vectors in registers. Other widths are
 * reached with {@code -XX:MaxVectorSize=16} or {@code 32}, as the tests do.
 */
public final class VectorKernels implements LoopKernels {
    static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    /** Lanes. */
    static final int L = F.length();
    private static final int TILE = Workspace.TILE;

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public int vectorBits() {
        return F.vectorBitSize();
    }

    @Override
    public Optional<PackedProducts> packed(WeightFormat format) {
        return VectorProducts.of(format);
    }

    @Override
    public Decoder decoder(WeightFormat format) {
        return VectorDecoder.of(format).orElseGet(() -> LoopKernels.super.decoder(format));
    }

    @Override
    public ThinProducts thin() {
        return L > ThinColumns.GROUP ? ThinProducts.PLAIN : VectorThin.INSTANCE;
    }

    @Override
    public void linear(StoredMatrix w, int from, int to, Rows x, int first, int tokens, Target out, int outRow, Workspace ws) {
        // Few tokens: what was decoded shall still be in the first cache. Many: it is read again for every four of them.
        int panel = tokens <= TILE ? TILE : Workspace.panel(w.cols());
        for (int r = from; r < to; r += panel) {
            int rows = Math.min(panel, to - r);
            if (w.isFloats() && w.whole()) {
                multiply(w, r, rows, w.parts()[0], r * w.rowBytes(), w.rowBytes(), x, first, tokens, out, outRow, ws);
            } else {
                decode(w, r, rows, ws);
                multiply(w, r, rows, ws.tile, 0, Workspace.tileStride(w.cols()), x, first, tokens, out, outRow, ws);
            }
        }
    }

    private static void decode(StoredMatrix w, int from, int rows, Workspace ws) {
        for (int r = 0; r < rows; r++) {
            w.decode(from + r, ws.row);
            MemorySegment.copy(ws.row, 0, ws.tile, FLOAT, r * Workspace.tileStride(w.cols()), w.cols());
        }
    }

    /** Multiplies rows of floats, a group of tokens at a time. */
    private void multiply(StoredMatrix w, int from, int rows, MemorySegment floats, long at, long stride, Rows x, int first, int tokens,
                          Target out, int outRow, Workspace ws) {
        for (int t = 0; t < tokens; t += Workspace.TOKENS) {
            int group = Math.min(Workspace.TOKENS, tokens - t);
            products(floats, at, stride, rows, x.data(), x.row(first + t), (long) x.width() * Float.BYTES, group, w.cols(), ws.sums, 0, rows, ws);
            for (int i = 0; i < group; i++) {
                out.put(w, from, rows, outRow + t + i, ws.sums, i * rows);
            }
        }
    }

    /** sums[at + t * stride + r] = row r of w times row t of x, both rows of {@code cols} floats; strides in bytes. */
    private static void products(MemorySegment w, long wAt, long wStride, int rows, MemorySegment x, long xAt, long xStride, int tokens,
                                 int cols, float[] sums, int at, int stride, Workspace ws) {
        int n = cols - cols % L;
        for (int t = 0; t < tokens;) {
            int width = tokens - t >= TILE ? TILE : 1;
            long xt = xAt + t * xStride;
            for (int r = 0; r < rows;) {
                int height = rows - r >= TILE ? TILE : 1;
                long wr = wAt + r * wStride;
                if (height == 1) {
                    for (int i = 0; i < width; i++) {
                        VectorDots.tile1x1(w, wr, x, xt + i * xStride, n, ws.lanes);
                        sums[at + (t + i) * stride + r] = VectorDots.tree(ws.lanes, 0);
                    }
                } else if (width == 1) {
                    VectorDots.tile4x1(w, wr, wStride, x, xt, n, ws.lanes);
                    addUp(ws.lanes, 1, sums, at + t * stride + r, stride);
                } else {
                    VectorDots.tile4x4(w, wr, wStride, x, xt, xStride, n, ws.lanes);
                    addUp(ws.lanes, TILE, sums, at + t * stride + r, stride);
                }
                r += height;
            }
            t += width;
        }
        if (n < cols) {
            addRest(w, wAt + 4L * n, wStride, rows, x, xAt + 4L * n, xStride, tokens, cols - n, sums, at, stride);
        }
    }

    private static void addUp(float[] lanes, int tokens, float[] sums, int at, int stride) {
        for (int t = 0; t < tokens; t++) {
            for (int r = 0; r < TILE; r++) {
                sums[at + t * stride + r] = VectorDots.tree(lanes, (t * TILE + r) * L);
            }
        }
    }

    /** The columns that do not fill a vector. */
    private static void addRest(MemorySegment w, long wAt, long wStride, int rows, MemorySegment x, long xAt, long xStride,
                                int tokens, int n, float[] sums, int at, int stride) {
        for (int t = 0; t < tokens; t++) {
            for (int r = 0; r < rows; r++) {
                float sum = sums[at + t * stride + r];
                for (int i = 0; i < n; i++) {
                    sum += w.get(FLOAT, wAt + r * wStride + 4L * i) * x.get(FLOAT, xAt + t * xStride + 4L * i);
                }
                sums[at + t * stride + r] = sum;
            }
        }
    }

    @Override
    public void scores(KvLayout layout, MemorySegment page, long keys, int from, int n, float[] q, int rows, float[] scores, int at, int stride,
                       Workspace ws) {
        VectorAttention.scores(layout, page, keys, from, n, q, rows, scores, at, stride, ws.tile);
    }

    @Override
    public void cap(float[] s, int at, int n, float c, Workspace ws) {
        VectorMath.cap(s, at, n, c, ws.arguments(n + L));
    }

    @Override
    public float largest(float[] scores, int at, int n) {
        return VectorMath.largest(scores, at, n);
    }

    @Override
    public float exponentials(float[] s, int at, int n, float max, Workspace ws) {
        return VectorMath.exponentials(s, at, n, max, ws.lanes);
    }

    @Override
    public void addValues(KvLayout layout, MemorySegment page, long values, int from, int n, float[] p, int at, int stride, int rows, float[] acc,
                          int accAt, int accStride, Workspace ws) {
        VectorAttention.addValues(layout, page, values, from, n, p, at, stride, rows, acc, accAt, accStride, ws.tile);
    }

    @Override
    public void rmsNorm(MemorySegment in, long inAt, MemorySegment out, long outAt, int n, float[] weight, float eps,
                        Workspace ws) {
        VectorRows.rmsNorm(in, inAt, out, outAt, n, weight, eps, ws.lanes);
    }

    @Override
    public void layerNorm(MemorySegment in, long inAt, MemorySegment out, long outAt, int n, float[] weight, float[] bias, float eps,
                          Workspace ws) {
        VectorRows.layerNorm(in, inAt, out, outAt, n, weight, bias, eps, ws.lanes);
    }

    @Override
    public void multiply(MemorySegment in, long inAt, float factor, MemorySegment out, long outAt, int n) {
        VectorRows.multiply(in, inAt, factor, out, outAt, n);
    }

    @Override
    public void add(MemorySegment a, long aAt, MemorySegment b, long bAt, float factor, MemorySegment out, long outAt, int n) {
        VectorRows.add(a, aAt, b, bAt, factor, out, outAt, n);
    }

    @Override
    public void act(Activation kind, MemorySegment in, long inAt, MemorySegment out, long outAt, int n, Workspace ws) {
        VectorActivations.act(kind, in, inAt, out, outAt, n, ws.arguments(n));
    }

    @Override
    public void rotate(Rope.Layout layout, float[] x, int n, float[] cos, float[] sin, int at) {
        VectorRope.rotate(layout, x, n, cos, sin, at);
    }

    @Override
    public void gated(Activation kind, MemorySegment data, long gateAt, long upAt, MemorySegment out, long outAt, int n,
                      Workspace ws) {
        VectorActivations.gated(kind, data, gateAt, upAt, out, outAt, n, ws.arguments(n));
    }
}
