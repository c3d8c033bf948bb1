package io.jllm.cuda;

import io.jllm.adapter.Adapter;
import io.jllm.cuda.adapter.AdapterSet;
import io.jllm.cuda.compile.AdapterRoom;
import io.jllm.cuda.compile.DeviceState;
import io.jllm.cuda.compile.Passes;
import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.adapter.AdapterKernels;
import io.jllm.cuda.memory.StepSize;
import io.jllm.model.Program;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.StepBatch;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The adapters of a runner, and the passes of steps that have some. Passes are compiled when the first adapter comes, and anew when one changes what
 * none before it did, has a higher rank, or needs more slots than there are; else adapters come and go without that.
 */
final class Adaptation implements AutoCloseable {
    private final Context context;
    private final Stream stream;
    private final Program program;
    private final DeviceState state;
    private final RunnerOptions options;
    private final int most;
    private Optional<AdapterSet> adapters = Optional.empty();
    private Optional<Compiled> compiled = Optional.empty();

    /** Passes and the room that they work in, both of which the owner gives back. */
    private record Compiled(AdapterRoom room, Passes passes, Owner owner) implements AutoCloseable {
        @Override
        public void close() {
            owner.close();
        }
    }

    /**
     * None yet, and no memory.
     *
     * @param most sequences of a step that have one token each
     */
    Adaptation(Context context, Stream stream, Program program, DeviceState state, RunnerOptions options, int most) {
        this.context = context;
        this.stream = stream;
        this.program = program;
        this.state = state;
        this.options = options;
        this.most = most;
    }

    /** Whether a step has sequences with adapters. */
    static boolean concerns(StepBatch b) {
        for (int s = 0; s < b.sequences; s++) {
            if (b.adapter[s] != 0) {
                return true;
            }
        }
        return false;
    }

    /** As {@link io.jllm.spi.ModelRunner#addAdapter}. */
    void add(int number, Adapter adapter) {
        if (adapters.isEmpty()) {
            adapters = Optional.of(new AdapterSet(context, stream, program, options.maxTokensPerStep(), options.maxLogitRows(),
                    AdapterKernels.shape(state.kernels())));
        }
        AdapterSet all = adapters.get();
        all.add(number, adapter);
        try {
            if (compiled.filter(c -> c.room.fits(all)).isEmpty()) {
                compile(all);
            }
        } catch (RuntimeException | Error e) {
            all.takeBack(number);
            throw e;
        }
    }

    /** The passes before are given back first: together they may be too large. If that fails, the next adapter tries again. */
    private void compile(AdapterSet all) {
        compiled.ifPresent(Compiled::close);
        compiled = Optional.empty();
        var owner = new Owner();
        try {
            AdapterRoom room = owner.own(new AdapterRoom(context, program, state, options, all));
            Passes passes = owner.own(new Passes(context, program, state, most, Optional.of(room)));
            passes.await();
            compiled = Optional.of(new Compiled(room, passes, owner));
        } catch (RuntimeException | Error e) {
            owner.close();
            throw e;
        }
    }

    /** As {@link io.jllm.spi.ModelRunner#removeAdapter}. */
    void remove(int number) {
        added().remove(number);
    }

    private AdapterSet added() {
        return adapters.orElseThrow(() -> new IllegalArgumentException("no adapter was added"));
    }

    /** Queues a step that it concerns. */
    void queue(StepBatch b, Consumer<StepSize> send, boolean timed) {
        AdapterSet all = added();
        all.send(b);
        if (compiled.isEmpty()) {
            compile(all);
        }
        compiled.orElseThrow().passes.queue(b, send, stream, timed);
    }

    /** Bytes of adapters. */
    long weightBytes() {
        return adapters.map(AdapterSet::weightBytes).orElse(0L);
    }

    /** Bytes of what steps with adapters need beside. */
    long scratchBytes() {
        return adapters.map(AdapterSet::scratchBytes).orElse(0L) + compiled.map(c -> c.room.bytes()).orElse(0L);
    }

    @Override
    public void close() {
        compiled.ifPresent(Compiled::close);
        adapters.ifPresent(AdapterSet::close);
    }
}
