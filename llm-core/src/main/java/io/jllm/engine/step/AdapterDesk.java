package io.jllm.engine.step;

import io.jllm.adapter.Adapter;
import io.jllm.engine.sequence.ChosenAdapter;
import io.jllm.engine.sequence.SequenceGroup;
import io.jllm.spi.ModelRunner;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Adapters on their way to the runner and from it. Any thread leaves orders here; the engine's carries them out between steps, and takes an
 * adapter from the runner when no request has it any more.
 */
public final class AdapterDesk {
    private final ModelRunner runner;
    private final Runnable wake;
    private final BooleanSupplier closed;
    private final Queue<Order> orders = new ConcurrentLinkedQueue<>();
    private final Set<ChosenAdapter> loaded = new HashSet<>(Set.of(ChosenAdapter.NONE));
    private final List<Unload> leaving = new ArrayList<>();

    /**
     * @param wake has the engine look here
     * @param closed whether it may not do so again
     */
    AdapterDesk(ModelRunner runner, Runnable wake, BooleanSupplier closed) {
        this.runner = runner;
        this.wake = wake;
        this.closed = closed;
    }

    private sealed interface Order {
    }

    private record Load(ChosenAdapter adapter, Adapter weights, CompletableFuture<Void> done) implements Order {
    }

    private record Unload(ChosenAdapter adapter, Runnable freed) implements Order {
    }

    /** Has the runner take in an adapter, before the next step; the future completes on the engine's thread. */
    public CompletableFuture<Void> load(ChosenAdapter adapter, Adapter weights) {
        var order = new Load(adapter, weights, new CompletableFuture<>());
        leave(order);
        return order.done();
    }

    /**
     * Has the runner forget an adapter when no request has it any more.
     *
     * @param freed called on the engine's thread then; not if the engine ends before
     */
    public void unload(ChosenAdapter adapter, Runnable freed) {
        leave(new Unload(adapter, freed));
    }

    private void leave(Order order) {
        orders.add(order);
        wake.run();
        if (closed.getAsBoolean()) {
            close(); // the engine may have looked for the last time
        }
    }

    /**
     * Carries out what can be. For the engine's thread, between steps, when it has taken in its requests.
     *
     * @return whether to come again soon: a request that was made before an order to unload may still be on its way
     */
    boolean work(Supplier<? extends Collection<SequenceGroup>> requests) {
        if (!leaving.isEmpty()) {
            var used = new HashSet<ChosenAdapter>();
            requests.get().forEach(g -> used.add(g.adapter()));
            leaving.removeIf(u -> !used.contains(u.adapter()) && removed(u));
        }
        boolean again = false;
        for (Order o = orders.poll(); o != null; o = orders.poll()) {
            switch (o) {
                case Load l -> load(l);
                case Unload u -> again |= leaving.add(u);
            }
        }
        return again;
    }

    private void load(Load l) {
        try {
            runner.addAdapter(l.adapter().number(), l.weights());
            loaded.add(l.adapter());
            l.done().complete(null);
        } catch (Throwable t) {
            l.done().completeExceptionally(t);
        }
    }

    private boolean removed(Unload u) {
        loaded.remove(u.adapter());
        runner.removeAdapter(u.adapter().number());
        u.freed().run();
        return true;
    }

    /** Whether requests can be computed with an adapter. For the engine's thread. */
    boolean has(ChosenAdapter adapter) {
        return loaded.contains(adapter);
    }

    /** Nothing is carried out any more; those who wait hear of it. Safe from any thread, any number of times. */
    void close() {
        for (Order o = orders.poll(); o != null; o = orders.poll()) {
            if (o instanceof Load l) {
                l.done().completeExceptionally(new IllegalStateException("this LLM is closed; open another"));
            }
        }
    }
}
