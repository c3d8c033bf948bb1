package io.jllm.cuda.adapter;

import io.jllm.adapter.Adapter;
import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.adapter.AdapterKernels;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.spi.StepBatch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/**
 * The adapters of a runner on the device, and the table by which kernels find them: for each slot what its adapter changes in each place. Adapters
 * come and go between steps, for which the stream is waited for; then nothing but the table changes, as long as there is a slot.
 */
public final class AdapterSet implements AutoCloseable {
    private static final int FIRST_SLOTS = 32;

    private final Context context;
    private final Stream stream;
    private final Places places;
    private final AdaptedRows rows;
    private final Map<Integer, Loaded> loaded = new HashMap<>();
    private final BitSet taken = new BitSet();
    private DeviceMemory table;
    private int slots = FIRST_SLOTS;
    private Uses uses = Uses.NONE;

    private record Loaded(int slot, AdapterWeights weights, Uses uses) {
    }

    /**
     * None yet.
     *
     * @param tokens most tokens of a step
     * @param logitRows most rows of logits of a step
     * @param shape of the kernels
     */
    public AdapterSet(Context context, Stream stream, Program program, int tokens, int logitRows, AdapterKernels.Shape shape) {
        this.context = context;
        this.stream = stream;
        places = new Places(program);
        try (var all = new Building()) {
            table = all.owner.own(allocate(FIRST_SLOTS));
            rows = all.owner.own(new AdaptedRows(context, tokens, logitRows, shape.tile()));
            all.done = true;
        }
    }

    /** Gives back what was made before a failure. */
    private static final class Building implements AutoCloseable {
        private final Owner owner = new Owner();
        private boolean done;

        @Override
        public void close() {
            if (!done) {
                owner.close();
            }
        }
    }

    private DeviceMemory allocate(int count) {
        return DeviceMemory.allocate(context, count * slotBytes(), "what adapters change");
    }

    private long slotBytes() {
        return Math.max(1, places.count()) * AdapterKernels.CHANGE.bytes();
    }

    /** The places of the program. */
    public Places places() {
        return places;
    }

    /** What adapters change that are there, or were. */
    public Uses uses() {
        return uses;
    }

    /** Where kernels find all that. Another one when a slot had to be made. */
    public AdapterKernels.Table table() {
        return new AdapterKernels.Table(rows.address(Value.Rows.TOKENS), rows.address(Value.Rows.LOGITS), table.address(), places.count());
    }

    /**
     * Takes in an adapter.
     *
     * @throws IllegalArgumentException if there is one of that number, or it changes what the program does not have
     * @throws io.jllm.cuda.driver.OutOfDeviceMemoryException if there is no room
     */
    public void add(int number, Adapter adapter) {
        if (number < 1 || loaded.containsKey(number)) {
            throw new IllegalArgumentException("the number of an adapter is above 0 and not another one's, but not " + number);
        }
        Uses own = Uses.of(adapter, places);
        stream.synchronize();
        AdapterWeights weights = AdapterWeights.load(context, adapter, places);
        try {
            int slot = taken.nextClearBit(0);
            if (slot == slots) {
                grow();
            }
            write(slot, weights);
            taken.set(slot);
            loaded.put(number, new Loaded(slot, weights, own));
            uses = uses.and(own);
        } catch (RuntimeException | Error e) {
            weights.close();
            throw e;
        }
    }

    private void grow() {
        DeviceMemory larger = allocate(2 * slots);
        try {
            for (Loaded l : loaded.values()) {
                write(larger, l.slot, l.weights);
            }
        } catch (RuntimeException | Error e) {
            larger.close();
            throw e;
        }
        table.close();
        table = larger;
        slots *= 2;
    }

    private void write(int slot, AdapterWeights weights) {
        write(table, slot, weights);
    }

    private void write(DeviceMemory to, int slot, AdapterWeights weights) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment all = arena.allocate(slotBytes(), Long.BYTES);
            weights.write(all);
            to.write(all, slot * slotBytes());
        }
    }

    /** Gives an adapter's memory back. */
    public void remove(int number) {
        Loaded l = known(number);
        stream.synchronize();
        loaded.remove(number);
        taken.clear(l.slot);
        l.weights.close();
    }

    /** Gives an adapter back that was just added, as if it had never been there. */
    public void takeBack(int number) {
        remove(number);
        uses = loaded.values().stream().map(Loaded::uses).reduce(Uses.NONE, Uses::and);
    }

    private Loaded known(int number) {
        Loaded l = loaded.get(number);
        if (l == null) {
            throw new IllegalArgumentException("there is no adapter " + number);
        }
        return l;
    }

    /** Queues the copy of a step's numbers. */
    public void send(StepBatch b) {
        rows.send(b, number -> known(number).slot, stream);
    }

    /** Bytes that the adapters hold. */
    public long weightBytes() {
        return loaded.values().stream().mapToLong(l -> l.weights.bytes()).sum();
    }

    /** Bytes of what is there beside them. */
    public long scratchBytes() {
        return table.bytes() + rows.bytes();
    }

    @Override
    public void close() {
        loaded.values().forEach(l -> l.weights.close());
        rows.close();
        table.close();
    }
}
