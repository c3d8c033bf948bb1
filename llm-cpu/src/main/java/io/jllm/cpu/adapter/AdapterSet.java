package io.jllm.cpu.adapter;

import io.jllm.adapter.Adapter;
import io.jllm.adapter.LowRank;
import io.jllm.adapter.ReplacedRows;
import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.model.Value;
import io.jllm.spi.StepBatch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The adapters of a runner. Adapters come and go between steps; during a step this is only read. */
public final class AdapterSet implements AutoCloseable {
    private static final long ALIGNMENT = 64;

    private final CpuKernels kernels;
    private final AdapterRows tokens;
    private final AdapterRows logits;
    /** In the order of the program, and so they lie in memory. */
    private final Map<String, ProductSite> products = new LinkedHashMap<>();
    private final Map<String, TableSite> tables = new HashMap<>();
    private final Map<NormSite.Names, NormSite> norms = new HashMap<>();
    private final Map<Integer, Loaded> loaded = new HashMap<>();
    private Arena arena = Arena.ofShared();
    private MemorySegment scratch = MemorySegment.NULL;
    private int thin = 1;

    /** An adapter's memory. */
    private record Loaded(AdapterMemory memory, long bytes) {
    }

    /**
     * None yet.
     *
     * @param tokens most tokens of a step
     * @param logitRows most rows of logits of a step
     */
    public AdapterSet(CpuKernels kernels, int tokens, int logitRows) {
        this.kernels = kernels;
        this.tokens = new AdapterRows(tokens);
        this.logits = new AdapterRows(logitRows);
    }

    /** The place of a matrix that is multiplied with. */
    public ProductSite product(String tensor, float[] bias) {
        return products.computeIfAbsent(tensor, _ -> new ProductSite(bias, kernels.stored(), kernels.thin()));
    }

    /** The place of an embedding table. */
    public TableSite table(String tensor) {
        return tables.computeIfAbsent(tensor, _ -> new TableSite(kernels.thin()));
    }

    /** The place of a norm. */
    public NormSite norm(NormSite.Names names, NormSite.Maker maker) {
        return norms.computeIfAbsent(names, n -> new NormSite(n, maker));
    }

    /**
     * Takes in an adapter.
     *
     * @throws IllegalArgumentException if it changes what the program does not have
     */
    public void add(int number, Adapter adapter) {
        var own = new AdapterMemory(kernels.memory(), bytes(adapter));
        try {
            adapter.products().keySet().forEach(name -> known(products, name));
            products.forEach((name, site) -> Optional.ofNullable(adapter.products().get(name)).ifPresent(change -> {
                AdaptedMatrix m = AdaptedMatrix.ofProduct(change, site.bias(), own);
                site.put(number, m);
                thin = Math.max(thin, m.thin());
            }));
            adapter.tables().forEach((name, change) -> known(tables, name).put(number, AdaptedMatrix.ofTable(change, own)));
            norms.values().forEach(site -> site.add(number, adapter.vectors()));
            loaded.put(number, new Loaded(own, bytes(number)));
        } catch (RuntimeException | Error e) {
            forget(number);
            own.close();
            throw e;
        }
    }

    /** Bytes of its products and tables in files; as good as any number for how much memory to take at once. */
    private static long bytes(Adapter adapter) {
        return Stream.concat(adapter.products().values().stream(), adapter.tables().values().stream())
                .flatMap(c -> Stream.of(c.whole(), c.rows().map(ReplacedRows::values), c.lowRank().map(LowRank::down), c.lowRank().map(LowRank::up)))
                .flatMap(Optional::stream).mapToLong(w -> w.rows() * w.rowBytes()).sum();
    }

    private static <S> S known(Map<String, S> sites, String name) {
        S site = sites.get(name);
        if (site == null) {
            throw new IllegalArgumentException("the program has no matrix " + name + " that an adapter can change");
        }
        return site;
    }

    private long bytes(int number) {
        long sum = 0;
        for (ProductSite s : products.values()) {
            sum += AdaptedMatrix.bytes(s.change(number));
        }
        for (TableSite s : tables.values()) {
            sum += AdaptedMatrix.bytes(s.change(number));
        }
        return sum;
    }

    /** Gives an adapter's memory back. */
    public void remove(int number) {
        forget(number);
        loaded.remove(number).memory().close();
    }

    private void forget(int number) {
        products.values().forEach(s -> s.remove(number));
        tables.values().forEach(s -> s.remove(number));
        norms.values().forEach(s -> s.remove(number));
    }

    /** Whether there are none. */
    public boolean isEmpty() {
        return loaded.isEmpty();
    }

    /** Finds out which rows of a step belong to which adapter, and makes room for what is computed on the way. */
    public void refill(StepBatch b) {
        if (loaded.isEmpty()) {
            return;
        }
        tokens.refill(b, Value.Rows.TOKENS);
        logits.refill(b, Value.Rows.LOGITS);
    }

    /** The rows of that kind in the step. */
    public AdapterRows rows(Value.Rows kind) {
        return kind == Value.Rows.TOKENS ? tokens : logits;
    }

    /** Most numbers that a row's input becomes on the way to a product's outputs. */
    public int thin() {
        return thin;
    }

    /**
     * Memory for a product's way, until the next product; for the thread that goes from op to op.
     *
     * @param floats how many it needs
     */
    public MemorySegment scratch(long floats) {
        if (scratch.byteSize() < floats * Float.BYTES) {
            arena.close();
            arena = Arena.ofShared();
            scratch = arena.allocate(floats * Float.BYTES, ALIGNMENT);
        }
        return scratch;
    }

    /** Bytes that the adapters hold. */
    public long bytes() {
        return loaded.values().stream().mapToLong(Loaded::bytes).sum();
    }

    /** Bytes of memory for products' ways. */
    public long scratchBytes() {
        return scratch.byteSize();
    }

    @Override
    public void close() {
        loaded.values().forEach(l -> l.memory().close());
        arena.close();
    }
}
