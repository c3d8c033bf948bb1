package io.jllm.cpu.machine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.attention.AttentionFrame;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.quant.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Attention in the machine code of every instruction set that runs here, beside the same computed in double precision. */
class MachineAttentionTest {
    private static final DType[] TYPES = {DType.F32, DType.F16, DType.Q8_0};
    private static final int[] DIMS = {2, 4, 20, 33, 64, 80, 128};
    private static final int[] BLOCK_SIZES = {1, 3, 16, 17, 64};
    private static final float SCALE = 0.4f;

    private final Arena arena = Arena.ofConfined();
    private final Workspace ws = new Workspace(arena, 256);
    private final List<MachineKernels> kernels = Arrays.stream(Isa.values()).flatMap(i -> MachineKernels.of(i).stream()).toList();

    @BeforeEach
    void runsHere() {
        Assumptions.assumeFalse(kernels.isEmpty(), () -> "skipped: " + MachineKernels.whyNot(Isa.AVX2));
    }

    @AfterEach
    void free() {
        arena.close();
    }

    /** Keys and values of the positions of a sequence, in pages that lie in any order. */
    private final class Sequence {
        private final KvLayout layout;
        private final MemorySegment memory;
        private final int[] pages;
        private final float[][] keys;
        private final float[][] values;

        Sequence(Random random, KvLayout layout, int length) {
            this.layout = layout;
            int count = Math.ceilDiv(length, layout.positions());
            memory = arena.allocate(2 * count * layout.bytes() + KvLayout.SLACK, 64);
            memory.fill((byte) 0xff); // no numbers, where nothing is stored
            List<Integer> order = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                order.add(random.nextInt(i + 1), i);
            }
            pages = order.stream().mapToInt(i -> i).toArray();
            keys = new float[length][layout.dim()];
            values = new float[length][layout.dim()];
            for (int p = 0; p < length; p++) {
                layout.storeKey(random(random, layout.dim()), memory, page(p), p % layout.positions());
                layout.storeValue(random(random, layout.dim()), memory, page(p) + layout.bytes(), p % layout.positions());
                layout.value(memory, page(p) + layout.bytes(), p % layout.positions(), values[p]);
                var one = new float[1];
                for (int d = 0; d < layout.dim(); d++) {
                    layout.keys(memory, page(p), d, p % layout.positions(), 1, one);
                    keys[p][d] = one[0];
                }
            }
        }

        private long page(int position) {
            return 2 * pages[position / layout.positions()] * layout.bytes();
        }

        /** Results of tokens that follow each other, {@code group} rows each, of which each sees so many positions up to its own. */
        float[][] attend(MachineAttention attention, float[][] queries, int group, int position, int window) {
            int dim = layout.dim();
            int tokens = queries.length / group;
            int padded = Math.ceilDiv(queries.length, MachineAttention.ROWS) * MachineAttention.ROWS;
            MemorySegment q = arena.allocate((long) queries.length * dim * Float.BYTES);
            for (int r = 0; r < queries.length; r++) {
                MemorySegment.copy(queries[r], 0, q, Rows.FLOAT, (long) r * dim * Float.BYTES, dim);
            }
            AttentionFrame frame = attention.frame(padded, ws);
            for (int t = 0; t < tokens; t++) {
                frame.query(t * group, group, q, (long) t * group * dim * Float.BYTES);
                frame.range(t * group, group, Math.max(0, position + t - window + 1), position + t);
            }
            frame.endRows(queries.length);
            int begin = Math.max(0, position - window + 1);
            int end = position + tokens;
            boolean first = true;
            for (int start = begin / MachineAttention.CHUNK * MachineAttention.CHUNK; start < end; start += MachineAttention.CHUNK) {
                int from = Math.max(start, begin);
                int to = Math.min(start + MachineAttention.CHUNK, end);
                frame.positions(start, from, to, SCALE);
                int size = layout.positions();
                for (int p = from; p < to; p += size - p % size) {
                    long page = memory.address() + page(p);
                    attention.entry(frame, page, page + layout.bytes(), p % size, Math.min(size - p % size, to - p));
                }
                attention.chunk(frame, first ? frame.total() : frame.part());
                if (!first) {
                    attention.merge(frame, frame.total(), frame.part());
                }
                first = false;
            }
            int width = group * dim + 3; // behind each token there is something that stays as it is
            MemorySegment out = arena.allocate((long) tokens * width * Float.BYTES);
            out.fill((byte) 1);
            float untouched = out.get(Rows.FLOAT, 0);
            attention.finish(frame, frame.total(), out.address(), (long) width * Float.BYTES, tokens, group);
            var results = new float[queries.length][dim];
            for (int t = 0; t < tokens; t++) {
                for (int g = 0; g < group; g++) {
                    MemorySegment.copy(out, Rows.FLOAT, ((long) t * width + g * dim) * Float.BYTES, results[t * group + g], 0, dim);
                }
                for (int i = group * dim; i < width; i++) {
                    assertEquals(untouched, out.get(Rows.FLOAT, ((long) t * width + i) * Float.BYTES), "behind token " + t);
                }
            }
            return results;
        }

        double[] want(float[] query, int first, int last) {
            var scores = new double[last + 1 - first];
            for (int p = first; p <= last; p++) {
                for (int d = 0; d < query.length; d++) {
                    scores[p - first] += (double) query[d] * keys[p][d] * SCALE;
                }
            }
            double max = Arrays.stream(scores).max().orElseThrow();
            double sum = 0;
            var result = new double[query.length];
            for (int p = first; p <= last; p++) {
                double weight = Math.exp(scores[p - first] - max);
                sum += weight;
                for (int d = 0; d < query.length; d++) {
                    result[d] += weight * values[p][d];
                }
            }
            for (int d = 0; d < query.length; d++) {
                result[d] /= sum;
            }
            return result;
        }
    }

    private static float[] random(Random random, int n) {
        var x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    private static float[][] rows(Random random, int count, int dim) {
        return IntStream.range(0, count).mapToObj(_ -> random(random, dim)).toArray(float[][]::new);
    }

    private MachineAttention attention(MachineKernels k, KvLayout layout) {
        return k.attention(layout).orElseThrow(() -> new AssertionError(k.name() + " refuses " + layout));
    }

    @Test
    void isThatOfPlainCodeAndTheSameBitsAloneAndAmongOthers() {
        for (DType type : TYPES) {
            for (int dim : DIMS) {
                for (int size : BLOCK_SIZES) {
                    var random = new Random(dim + size);
                    var layout = new KvLayout(type, dim, size);
                    int group = 1 + random.nextInt(4);
                    int tokens = 1 + random.nextInt(8);
                    int position = random.nextInt(600);
                    int window = random.nextBoolean() ? Integer.MAX_VALUE / 2 : 1 + random.nextInt(300);
                    var sequence = new Sequence(random, layout, position + tokens);
                    float[][] queries = rows(random, tokens * group, dim);
                    var results = new ArrayList<float[][]>();
                    for (MachineKernels k : kernels) {
                        MachineAttention attention = attention(k, layout);
                        String what = k.name() + " " + layout + ", " + tokens + " tokens of " + group + " rows from " + position + " on, window "
                                + window;
                        float[][] all = sequence.attend(attention, queries, group, position, window);
                        results.add(all);
                        for (int t = 0; t < tokens; t++) {
                            float[][] own = Arrays.copyOfRange(queries, t * group, (t + 1) * group);
                            float[][] alone = sequence.attend(attention, own, group, position + t, window);
                            for (int g = 0; g < group; g++) {
                                assertArrayEquals(all[t * group + g], alone[g], what + ", token " + t);
                                double[] want = sequence.want(own[g], Math.max(0, position + t - window + 1), position + t);
                                for (int d = 0; d < dim; d++) {
                                    assertEquals(want[d], alone[g][d], 3e-6 * (1 + Math.sqrt(dim)), what + ", token " + t);
                                }
                            }
                        }
                    }
                    for (float[][] other : results) {
                        for (int r = 0; r < other.length; r++) {
                            assertArrayEquals(results.getFirst()[r], other[r], layout + " with another instruction set");
                        }
                    }
                }
            }
        }
    }

    /** Scores that are far apart, as they are where one token is all that counts, and across chunks. */
    @Test
    void farApartScoresLeaveWhatCounts() {
        var layout = new KvLayout(DType.F32, 16, 16);
        for (MachineKernels k : kernels) {
            for (float large : new float[] {50, 300, 1e20f}) {
                var sequence = new Sequence(new Random(1), layout, 600);
                for (int highest : new int[] {0, 255, 256, 430, 599}) {
                    float[] query = new float[16];
                    query[3] = large;
                    for (int p = 0; p < 600; p++) {
                        float key = p == highest ? 1 : -1;
                        sequence.memory.set(Rows.FLOAT, sequence.page(p) + (3L * 16 + p % 16) * Float.BYTES, key);
                        sequence.keys[p][3] = key;
                    }
                    float[] got = sequence.attend(attention(k, layout), new float[][] {query}, 1, 599, 600)[0];
                    double[] want = sequence.want(query, 0, 599);
                    for (int d = 0; d < 16; d++) {
                        assertEquals(want[d], got[d], 1e-5, k.name() + ", position " + highest + " by " + large);
                    }
                }
            }
        }
    }

    /** What is no number must not get lost. */
    @Test
    void whatIsNoNumberStaysNone() {
        var layout = new KvLayout(DType.F32, 16, 16);
        for (MachineKernels k : kernels) {
            for (int position : new int[] {0, 100, 299}) {
                var sequence = new Sequence(new Random(1), layout, 300);
                sequence.memory.set(Rows.FLOAT, sequence.page(position) + position % 16 * Float.BYTES, Float.NaN);
                float[] got = sequence.attend(attention(k, layout), rows(new Random(2), 1, 16), 1, 299, 300)[0];
                for (float x : got) {
                    assertTrue(Float.isNaN(x), k.name() + ", position " + position);
                }
            }
        }
    }
}
