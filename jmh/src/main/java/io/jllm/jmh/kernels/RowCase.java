package io.jllm.jmh.kernels;

import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.attention.RopeShape;
import io.jllm.cpu.machine.MachineKernels;
import io.jllm.cpu.machine.RopeFunctions;
import io.jllm.cpu.machine.RowFunctions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** A row of floats, what machine code makes of it, and what it should be. */
final class RowCase {
    private static final int MOST = 5000;
    private static final int MOST_HEADS = 9;
    /** Few enough that the code for all shapes, which stays, takes little memory. */
    private static final int[] PAIRS = {1, 2, 3, 5, 8, 12, 16, 20, 24, 32, 33, 40, 48, 64, 80};
    private static final int[] OTHERS = {0, 2, 10, 16};
    private static final int[] PAGES = {1, 3, 16, 17};
    private static final float EPS = 1e-5f;
    private static final double TOLERANCE = 1e-5;
    /** What a number that is made of others of some units may be off by, in these terms, however small it is. */
    private static final double SMALL = 0.2;
    private static final double SQRT_8_PI = Math.sqrt(8 / Math.PI);

    private final Arena arena;
    private final int n;
    private final Rows x;
    private final Rows y;
    private final MemorySegment weight;
    private final RopeShape shape;
    private final int heads;
    private final Rows vectors;
    private final Rows angles;

    /** Results of one kind. */
    record Result(String what, Rows got, List<Double> want) {
        /** The largest part of the error that is allowed. */
        double error() {
            double worst = 0;
            for (int i = 0; i < want.size(); i++) {
                double off = Math.abs(want.get(i) - got.data().get(Rows.FLOAT, got.at() + (long) i * Float.BYTES));
                double part = off / (TOLERANCE * (Math.abs(want.get(i)) + SMALL));
                worst = Double.isNaN(part) ? part : Math.max(worst, part);
            }
            return worst;
        }
    }

    RowCase(Arena arena, SplittableRandom random) {
        this.arena = arena;
        n = 1 + random.nextInt(random.nextBoolean() ? 70 : MOST);
        x = Product.floats(arena, random, 1, n);
        y = Product.floats(arena, random, 1, n);
        var weights = new float[n];
        MemorySegment.copy(y.data(), Rows.FLOAT, y.at(), weights, 0, n);
        weight = RowFunctions.normWeight(arena, weights, EPS);
        int rotary = 2 * PAIRS[random.nextInt(PAIRS.length)];
        shape = new RopeShape(rotary + OTHERS[random.nextInt(OTHERS.length)], rotary, random.nextBoolean(), PAGES[random.nextInt(PAGES.length)]);
        heads = 1 + random.nextInt(MOST_HEADS);
        vectors = Product.floats(arena, random, 1, heads * shape.dim());
        angles = Product.floats(arena, random, 2, rotary);
    }

    private static double at(Rows rows, int row, int i) {
        return rows.data().get(Rows.FLOAT, rows.row(row) + (long) i * Float.BYTES);
    }

    private static long address(Rows rows) {
        return rows.data().address() + rows.at();
    }

    private Rows room(int floats) {
        return new Rows(arena.allocate((long) floats * Float.BYTES), 0, floats);
    }

    /** Everything by one instruction set. */
    List<Result> results(MachineKernels kernels) {
        RowFunctions f = kernels.rows().orElseThrow();
        var results = new ArrayList<Result>();
        double squares = 0;
        double largest = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            squares += at(x, 0, i) * at(x, 0, i);
            largest = Math.max(largest, at(x, 0, i));
        }
        double factor = 1 / Math.sqrt(squares / n + EPS);
        var norm = new ArrayList<Double>();
        var silu = new ArrayList<Double>();
        var gelu = new ArrayList<Double>();
        double sum = 0;
        for (int i = 0; i < n; i++) {
            double v = at(x, 0, i);
            norm.add(v * factor * at(y, 0, i));
            silu.add(v / (1 + Math.exp(-v)) * at(y, 0, i));
            gelu.add(v / (1 + Math.exp(-SQRT_8_PI * (v + 0.044715 * v * v * v))) * at(y, 0, i));
            sum += Math.exp(v - largest);
        }
        Rows out = room(n);
        f.norm(address(x), address(out), weight, n);
        results.add(new Result("a norm", out, norm));
        out = room(n);
        f.silu(address(x), address(y), address(out), n);
        results.add(new Result("SiLU", out, silu));
        out = room(n);
        f.gelu(address(x), address(y), address(out), n);
        results.add(new Result("GELU", out, gelu));
        out = room(3);
        f.sums(address(x), address(out), n);
        results.add(new Result("a sum of exponentials", out, List.of(largest, sum)));
        rotations(kernels.rope(shape).orElseThrow(), results);
        return results;
    }

    private void rotations(RopeFunctions f, List<Result> results) {
        int dim = shape.dim();
        int page = dim * shape.positions();
        var rotated = new ArrayList<Double>();
        var keys = new ArrayList<Double>();
        var values = new ArrayList<Double>();
        for (int h = 0; h < heads; h++) {
            for (int d = 0; d < dim; d++) {
                int other = shape.halves() ? (d + shape.rotaryDim() / 2) % shape.rotaryDim() : d ^ 1;
                double v = at(vectors, 0, h * dim + d);
                double turned = d >= shape.rotaryDim() ? v : v * at(angles, 0, d) + at(vectors, 0, h * dim + other) * at(angles, 1, d);
                rotated.add(turned);
                for (int p = 0; p < shape.positions(); p++) {
                    keys.add(p == 0 ? turned : 0);
                    values.add(0.0);
                }
            }
            for (int d = 0; d < dim; d++) {
                values.set(h * page + d, at(vectors, 0, h * dim + d));
            }
        }
        long cos = angles.data().address() + angles.row(0);
        long sin = angles.data().address() + angles.row(1);
        Rows out = room(heads * dim);
        f.rotate(address(vectors), address(out), cos, sin, heads);
        results.add(new Result("rotation", out, rotated));
        Rows keysTo = room(heads * page);
        Rows valuesTo = room(heads * page);
        f.store(address(vectors), address(vectors), cos, sin, heads, address(keysTo), address(valuesTo), (long) page * Float.BYTES,
                address(room(dim)));
        results.add(new Result("rotated keys", keysTo, keys));
        results.add(new Result("values", valuesTo, values));
    }

    @Override
    public String toString() {
        return n + " floats, " + heads + " heads of " + shape;
    }
}
