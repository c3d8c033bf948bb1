package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.BlocksKernels;
import io.jllm.cuda.kernels.TensorKernels;
import io.jllm.cuda.memory.StepSize;
import io.jllm.model.Program;
import io.jllm.spi.StepBatch;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A program compiled for steps of all kinds: graphs for those in which every sequence has one token, else launches one by one. Those of sequences
 * with adapters are passes of their own, in which that is not fused what adapters change.
 */
public final class Passes implements AutoCloseable {
    private final DeviceState state;
    private final Arena arena = Arena.ofShared();
    private final List<CompiledOp> any;
    private final List<CompiledOp> many;
    private final List<CompiledOp> most;
    private final GraphCache graphs;

    /**
     * Compiles.
     *
     * @param sequences most of a step that have one token each
     * @param adapters what adapters change; empty for steps without
     */
    public Passes(Program program, DeviceState state, int sequences, Optional<AdapterRoom> adapters) {
        this.state = state;
        try {
            any = Compiler.compile(program, state, arena, Mode.ANY, adapters);
            Optional<TensorRoom> tensors = state.rooms().tensors();
            most = tensors.isPresent() ? Compiler.compile(program, state, arena, Mode.MOST, adapters) : any;
            many = tensors.filter(TensorRoom::expands).isPresent() ? Compiler.compile(program, state, arena, Mode.MANY, adapters) : most;
            List<CompiledOp> few = Compiler.compile(program, state, arena, Mode.FEW, adapters);
            List<CompiledOp> one = adapters.isPresent() ? few : Compiler.compile(program, state, arena, Mode.ONE, adapters);
            graphs = new GraphCache(one, few, any, many, sequences);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /**
     * Queues a step; if it is timed, kernel by kernel.
     *
     * @param send brings its numbers to the device, for what is launched
     */
    public void queue(StepBatch b, Consumer<StepSize> send, Stream stream, boolean timed) {
        StepSize size = state.upload().size(b);
        if (size.isDecode(b) && b.tokens <= GraphCache.MOST_SEQUENCES && b.hiddenRows == 0) { // graphs fuse ops, and keep no hidden state
            int bucket = graphs.bucket(b.tokens);
            send.accept(StepSize.decode(bucket));
            int longest = Arrays.stream(b.contextLength, 0, b.sequences).max().orElse(0);
            if (timed) {
                graphs.ops(bucket, longest).forEach(op -> op.launch(stream, StepSize.decode(bucket)));
            } else {
                graphs.launch(bucket, longest, stream);
            }
        } else {
            send.accept(size);
            (b.tokens > BlocksKernels.MOST ? most : b.tokens > TensorKernels.MOST_FEWER ? many : any).forEach(op -> op.launch(stream, size));
        }
    }

    @Override
    public void close() {
        graphs.close();
        arena.close();
    }
}
