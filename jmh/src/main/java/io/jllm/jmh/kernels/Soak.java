package io.jllm.jmh.kernels;

import com.google.gson.JsonObject;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.MachineAttention;
import io.jllm.cpu.machine.MachineKernels;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.tier.KernelChoice;
import io.jllm.jmh.results.Provenance;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Products of random sizes, in every format and by every tier of kernels, in random pieces on several threads, and attention, norms,
 * activations and rotation in machine code, until time is up. Each product is
 * computed twice, cut into different pieces and with different neighbours among the tokens, which must give the same bits; so must all
 * kernels that take rearranged weights; and all must be as near to exact products as their arithmetic allows. What goes wrong ends it, with
 * the numbers to do it again. A crash of the JVM would, too.
 */
public final class Soak {
    private static final List<String> TIERS = List.of("avx512", "avx2", "vector", "scalar");
    private static final List<DType> TYPES = WeightFormat.types();
    private static final int THREADS = 3;
    private static final int MOST_ROWS = 400;
    private static final int MOST_TOKENS = 40;
    private static final int MOST_COLUMNS = 3000;
    private static final int LANES = 16;
    private static final int BLOCK = 32;
    private static final int CHECKED_ROWS = 6;
    private static final float LIMIT = 127;
    /** Of so many cases, one is attention, and one what else is done with rows. */
    private static final int OTHERS = 4;

    private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    private final Map<String, KernelChoice> tiers = new LinkedHashMap<>();
    private final SplittableRandom random;
    private final List<MachineKernels> machine = Arrays.stream(Isa.values()).flatMap(i -> MachineKernels.of(i).stream()).toList();
    private long products;
    private long attentions;
    private long rows;
    private long numbers;
    private double worst;

    private Soak(long seed) {
        random = new SplittableRandom(seed);
        for (String name : TIERS) {
            try {
                tiers.put(name, KernelChoice.of(name));
            } catch (IllegalArgumentException e) {
                System.err.println(e.getMessage());
            }
        }
    }

    /** Runs for so many seconds from a seed on: {@code soak SECONDS SEED}. Returns the exit code; prints a line of JSON. */
    public static int run(String... args) throws ExecutionException, InterruptedException {
        if (args.length != 2) {
            System.err.println("usage: soak SECONDS SEED");
            return 2;
        }
        long seconds = Long.parseLong(args[0]);
        long seed = Long.parseLong(args[1]);
        var soak = new Soak(seed);
        long start = System.nanoTime();
        long cases = 0;
        try {
            while (System.nanoTime() - start < seconds * 1_000_000_000L) {
                soak.next();
                cases++;
            }
        } catch (IllegalStateException e) {
            System.err.println("case " + cases + " of seed " + seed + ": " + e.getMessage());
            return 1;
        } finally {
            soak.threads.shutdown();
        }
        var json = new JsonObject();
        json.addProperty("benchmark", "kernels.Soak");
        json.addProperty("commit", Provenance.commit());
        json.addProperty("seconds", seconds);
        json.addProperty("seed", seed);
        json.addProperty("tiers", String.join(" ", soak.tiers.keySet()));
        json.addProperty("cases", cases);
        json.addProperty("products", soak.products);
        json.addProperty("attentions", soak.attentions);
        json.addProperty("rows", soak.rows);
        json.addProperty("numbers", soak.numbers);
        json.addProperty("largest_error_of_what_is_allowed", soak.worst);
        json.addProperty("failures", 0);
        json.addProperty("hardware", Provenance.hardware());
        json.addProperty("jdk", Provenance.jdk());
        System.out.println(json);
        return 0;
    }

    private void next() throws ExecutionException, InterruptedException {
        switch (random.nextInt(OTHERS)) {
            case 0 -> attention();
            case 1 -> rows();
            default -> products();
        }
    }

    /** All tokens together, and some of them again, with every instruction set. */
    private void attention() {
        try (Arena arena = Arena.ofConfined()) {
            var attention = new AttentionCase(arena, random);
            Optional<Rows> first = Optional.empty();
            for (MachineKernels k : machine) {
                String what = k.name() + ": " + attention;
                var ws = new Workspace(arena, LANES);
                MachineAttention code = k.attention(attention.layout()).orElseThrow(() -> new IllegalStateException(what + " was refused"));
                Rows all = attention.results(code, ws, 0, attention.tokens());
                int from = random.nextInt(attention.tokens());
                int count = 1 + random.nextInt(attention.tokens() - from);
                same(all, from, attention.results(code, ws, from, count), count, what + ", from token " + from + " on");
                same(first.orElse(all), 0, all, attention.tokens(), what + " and with other instructions");
                first = Optional.of(all);
                error(attention.error(all, random.nextInt(attention.tokens())), what);
                attentions++;
                numbers += attention.numbers();
            }
        }
    }

    private void rows() {
        try (Arena arena = Arena.ofConfined()) {
            var row = new RowCase(arena, random);
            var first = new ArrayList<RowCase.Result>();
            for (MachineKernels k : machine) {
                List<RowCase.Result> results = row.results(k);
                for (int i = 0; i < results.size(); i++) {
                    String what = k.name() + ": " + results.get(i).what() + " of " + row;
                    error(results.get(i).error(), what);
                    if (first.size() == results.size()) {
                        same(first.get(i).got(), 0, results.get(i).got(), 1, what + " and with other instructions");
                    }
                    numbers += results.get(i).want().size();
                }
                first.clear();
                first.addAll(results);
                rows++;
            }
        }
    }

    private void error(double part, String what) {
        if (!(part <= 1)) {
            throw new IllegalStateException(what + " is off by " + part + " of what is allowed");
        }
        worst = Math.max(worst, part);
    }

    private void products() throws ExecutionException, InterruptedException {
        DType type = TYPES.get(random.nextInt(TYPES.size()));
        int rows = 1 + random.nextInt(random.nextInt(4) == 0 ? MOST_ROWS : 40);
        int tokens = 1 + random.nextInt(random.nextBoolean() ? 9 : MOST_TOKENS);
        int wanted = 1 + random.nextInt(MOST_COLUMNS);
        int step = type.blockElements();
        int cols = Math.ceilDiv(wanted, step) * step;
        String what = type + ", " + rows + " x " + cols + ", " + tokens + " tokens, ";
        try (Arena arena = Arena.ofShared()) {
            Tensor stored = Product.weights(arena, random.nextLong(), type, rows, cols);
            Rows x = Product.floats(arena, random, tokens, cols);
            Optional<Rows> packed = Optional.empty();
            for (var tier : tiers.entrySet()) {
                var product = new Product(arena, tier.getValue(), stored);
                Rows whole = outputs(arena, product, x, 0, tokens, rows);
                int first = random.nextInt(tokens);
                Rows some = outputs(arena, product, x, first, tokens - first, rows);
                same(whole, first, some, tokens - first, what + tier.getKey() + " from token " + first + " on");
                if (product.packed()) {
                    if (packed.isPresent()) {
                        same(packed.get(), 0, whole, tokens, what + tier.getKey() + " and other kernels for rearranged weights");
                    }
                    packed = Optional.of(whole);
                }
                near(stored, x, whole, tokens, what + tier.getKey());
            }
        }
    }

    /** Products with some of the tokens, in pieces. */
    private Rows outputs(Arena arena, Product product, Rows x, int first, int tokens, int rows) throws ExecutionException, InterruptedException {
        var some = new Rows(x.data(), x.row(first), x.width());
        Product.Tokens arranged = product.tokens(arena, some, tokens);
        Rows out = Product.outputs(arena, tokens, rows);
        var target = new Target(out, 0, Optional.empty());
        var pieces = new ArrayList<Future<?>>();
        for (int r = 0; r < rows;) {
            int from = r;
            int to = Math.min(rows, r + LANES * (1 + random.nextInt(8)));
            pieces.add(threads.submit(() -> {
                try (Arena own = Arena.ofConfined()) {
                    product.run(from, to, arranged, target, new Workspace(own, x.width()));
                }
            }));
            r = to;
        }
        for (Future<?> piece : pieces) {
            piece.get();
        }
        products++;
        numbers += (long) tokens * rows;
        return out;
    }

    private static void same(Rows a, int first, Rows b, int tokens, String what) {
        for (int t = 0; t < tokens; t++) {
            for (long r = 0; r < a.width(); r++) {
                float x = a.data().get(Rows.FLOAT, a.row(first + t) + r * Float.BYTES);
                float y = b.data().get(Rows.FLOAT, b.row(t) + r * Float.BYTES);
                if (Float.floatToIntBits(x) != Float.floatToIntBits(y)) {
                    throw new IllegalStateException(what + ": row " + r + " by token " + (first + t) + " is " + x + " and " + y);
                }
            }
        }
    }

    /**
     * An activation of 8 bits is off by half a step, 1/254 of the largest of its block of 32, at most; and each sum and product of floats
     * rounds by 2^-24 of all that has come together, minima included, which may be 64 times what is left.
     */
    private void near(Tensor stored, Rows x, Rows out, int tokens, String what) {
        int cols = (int) stored.cols();
        var row = new float[cols];
        var token = new float[cols];
        for (int i = 0; i < CHECKED_ROWS; i++) {
            int r = random.nextInt((int) stored.rows());
            int t = random.nextInt(tokens);
            Codec.of(stored.type()).orElseThrow().decode(stored.data(), r * stored.rowBytes(), row, 0, cols);
            java.lang.foreign.MemorySegment.copy(x.data(), Rows.FLOAT, x.row(t), token, 0, cols);
            double want = 0;
            double size = 0;
            double bound = 0;
            for (int from = 0; from < cols; from += BLOCK) {
                int to = Math.min(cols, from + BLOCK);
                float largest = 0;
                double weights = 0;
                for (int c = from; c < to; c++) {
                    want += (double) row[c] * token[c];
                    size += Math.abs((double) row[c] * token[c]);
                    weights += Math.abs(row[c]);
                    largest = Math.max(largest, Math.abs(token[c]));
                }
                bound += stored.type().isQuantized() ? weights * largest / LIMIT / 2 : 0;
            }
            bound += size * (stored.type().isQuantized() ? 64 : 1) * (cols + 4) * 0x1p-24;
            double off = Math.abs(want - out.data().get(Rows.FLOAT, out.row(t) + (long) r * Float.BYTES));
            if (!(off <= bound)) {
                throw new IllegalStateException(what + ": row " + r + " by token " + t + " is off by " + off + ", may be by " + bound);
            }
            worst = Math.max(worst, bound == 0 ? 0 : off / bound);
        }
    }
}
