package io.jllm.cuda.compile;

import io.jllm.cuda.adapter.AdapterSet;
import io.jllm.cuda.adapter.Places;
import io.jllm.cuda.adapter.Uses;
import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.adapter.AdapterKernels;
import io.jllm.cuda.kernels.adapter.JoinedKernels;
import io.jllm.cuda.memory.Activations;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.spi.Backend.RunnerOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What steps with adapters need on the device beside the others' values: the matrices of products that adapters change, what rows become by the
 * first matrices of low rank, residuals that are kept, and chains of products of their own. Of two products, one after the other, the second's rows
 * may be made while the first's are read, so these take turns.
 */
public final class AdapterRoom implements AutoCloseable {
    private static final long ALIGNMENT = 256;
    private static final int TURNS = 2;

    private final Owner owner = new Owner();
    private final AdapterKernels.Table table;
    private final Places places;
    private final Uses uses;
    private final Map<Op.Linear, Adapted> products = new HashMap<>();
    private final DeviceMemory memory;
    private final Optional<RowChains.Room> chains;

    /**
     * A product that adapters change.
     *
     * @param sites where its matrices are described
     * @param outputs of each; not to be changed
     * @param thin what rows become by first matrices; none if there are no such matrices
     * @param kept residuals; none if none must be kept
     * @param whole whether one of its matrices becomes another
     * @param rank the highest; 0 if adapters do more than products of low rank and summands, or less
     */
    record Adapted(long sites, int[] outputs, Rows thin, Rows kept, boolean whole, int rank) {
    }

    /**
     * The room for what adapters change now.
     *
     * @throws io.jllm.cuda.driver.OutOfDeviceMemoryException if the device has none
     */
    public AdapterRoom(Context context, Program program, DeviceState state, RunnerOptions options, AdapterSet adapters) {
        table = adapters.table();
        places = adapters.places();
        uses = adapters.uses();
        AdapterKernels.Shape shape = AdapterKernels.shape(state.kernels());
        Optional<JoinedKernels.Shape> joined = JoinedKernels.shape(state.kernels());
        List<Op.Linear> all = program.ops().stream().flatMap(op -> op instanceof Op.Linear l && changes(l) ? Stream.of(l)
                : Stream.empty()).toList();
        long siteBytes = aligned(AdapterKernels.SITE.bytes() * all.stream().mapToLong(l -> l.weights().size()).sum());
        long thinBytes = 0;
        long keptBytes = 0;
        for (Op.Linear l : all) {
            long rows = l.out().rows() == Value.Rows.TOKENS ? options.maxTokensPerStep() : options.maxLogitRows();
            int chunks = Math.max(shape.chunks(l.in().width()), joined.map(j -> j.chunks(l.in().width())).orElse(0));
            thinBytes = Math.max(thinBytes, rows * chunks * ranks(l) * Float.BYTES);
            keptBytes = Math.max(keptBytes, keeps(l) ? rows * Activations.pitch(l.out()) * Float.BYTES : 0);
        }
        thinBytes = aligned(thinBytes);
        memory = owner.own(DeviceMemory.allocate(context, siteBytes + TURNS * thinBytes + keptBytes, "products of adapters"));
        try (Arena arena = Arena.ofConfined()) {
            chains = RowChains.room(program, state.plan(), state.kernels()).map(r -> r.in(context, owner));
            MemorySegment sites = arena.allocate(siteBytes, Long.BYTES);
            long at = 0;
            int turn = 0;
            for (Op.Linear l : all) {
                long thin = memory.address() + siteBytes + turn * thinBytes;
                products.put(l, new Adapted(memory.address() + at, l.weights().stream().mapToInt(Weight::rows).toArray(),
                        ranks(l) == 0 ? Rows.NONE : Rows.ofFloats(thin, ranks(l)),
                        keeps(l) ? Rows.ofFloats(memory.address() + siteBytes + TURNS * thinBytes, Activations.pitch(l.out())) : Rows.NONE,
                        uses(l).stream().anyMatch(Uses.Use::whole), lowRank(l)));
                write(l, state, sites.asSlice(at));
                at += AdapterKernels.SITE.bytes() * l.weights().size();
                turn = (turn + 1) % TURNS;
            }
            if (siteBytes > 0) {
                memory.write(sites, 0);
            }
        } catch (RuntimeException | Error e) {
            owner.close();
            throw e;
        }
    }

    private static long aligned(long bytes) {
        return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }

    private List<Uses.Use> uses(Op.Linear l) {
        return l.weights().stream().flatMap(w -> uses.of(places.product(w.name())).stream()).toList();
    }

    /** Numbers of a row by all first matrices of a product. */
    private int ranks(Op.Linear l) {
        return uses(l).stream().mapToInt(Uses.Use::rank).sum();
    }

    private int lowRank(Op.Linear l) {
        return uses(l).stream().anyMatch(Uses.Use::apart) ? 0 : uses(l).stream().mapToInt(Uses.Use::rank).max().orElse(0);
    }

    private boolean keeps(Op.Linear l) {
        return l.residual().isPresent() && uses(l).stream().anyMatch(Uses.Use::apart);
    }

    private void write(Op.Linear l, DeviceState state, MemorySegment to) {
        long at = 0;
        int column = 0;
        int rank = 0;
        for (List<Weight> run : state.plan().runs(l)) {
            long bias = state.bias(run);
            for (Weight w : run) {
                int place = places.product(w.name());
                to.set(ValueLayout.JAVA_LONG, at + AdapterKernels.SITE.at("bias"), bias);
                set(to, at, "number", place);
                set(to, at, "column", column);
                set(to, at, "outputs", w.rows());
                set(to, at, "at", rank);
                rank += uses.of(place).map(Uses.Use::rank).orElse(0);
                column += w.rows();
                bias += bias == 0 ? 0 : (long) Float.BYTES * w.rows();
                at += AdapterKernels.SITE.bytes();
            }
        }
    }

    private static void set(MemorySegment to, long at, String member, int value) {
        to.set(ValueLayout.JAVA_INT, at + AdapterKernels.SITE.at(member), value);
    }

    /** Whether adapters change a product. */
    boolean changes(Op.Linear l) {
        return !uses(l).isEmpty();
    }

    /** The product, if adapters change it. */
    Optional<Adapted> product(Op.Linear l) {
        return Optional.ofNullable(products.get(l));
    }

    /** The number of a table, if adapters change it. */
    Optional<Integer> table(Op.Embed e) {
        return Optional.of(places.table(e.table())).filter(this::used);
    }

    /** The number of a norm, if adapters change it. */
    Optional<Integer> norm(Places.Norm norm) {
        return Optional.of(places.norm(norm)).filter(this::used);
    }

    private boolean used(int place) {
        return uses.of(place).isPresent();
    }

    /** Where kernels find adapters. */
    AdapterKernels.Table table() {
        return table;
    }

    /** Room for chains; empty if there can be none. */
    Optional<RowChains.Room> chains() {
        return chains;
    }

    /** Bytes of it. */
    public long bytes() {
        return memory.bytes() + chains.map(RowChains.Room::bytes).orElse(0L);
    }

    /** Whether it is still the room for what adapters change now. */
    public boolean fits(AdapterSet adapters) {
        return uses.equals(adapters.uses()) && table.equals(adapters.table());
    }

    @Override
    public void close() {
        owner.close();
    }
}
