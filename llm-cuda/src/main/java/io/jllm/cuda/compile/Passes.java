package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.BlocksKernels;
import io.jllm.cuda.kernels.PairKernels;
import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.RowChainKernels;
import io.jllm.cuda.kernels.TensorKernels;
import io.jllm.cuda.memory.StepSize;
import io.jllm.load.Background;
import io.jllm.model.ExpertOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.spi.StepBatch;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A program compiled for steps of all kinds: graphs for those in which every sequence has one token, else launches one by one. Those of sequences
 * with adapters are passes of their own, in which that is not fused what adapters change. Each kind is compiled by a thread of its own, of which
 * {@link #await} waits.
 */
public final class Passes implements AutoCloseable {
    private final DeviceState state;
    private final Arena arena = Arena.ofShared();
    private final List<Background<List<CompiledOp>>> compiling = new ArrayList<>();
    private final Background<List<CompiledOp>> any;
    private final Background<List<CompiledOp>> many;
    private final Background<List<CompiledOp>> most;
    private final GraphCache graphs;

    /**
     * Begins to compile.
     *
     * @param sequences most of a step that have one token each
     * @param adapters what adapters change; empty for steps without
     */
    public Passes(Context context, Program program, DeviceState state, int sequences, Optional<AdapterRoom> adapters) {
        this.state = state;
        Function<Mode, Background<List<CompiledOp>>> compile = mode -> {
            compiling.add(Background.start("jllm-cuda-compile", () -> {
                context.use();
                return Compiler.compile(program, state, arena, mode, adapters);
            }));
            return compiling.getLast();
        };
        try {
            any = compile.apply(Mode.ANY);
            Optional<TensorRoom> tensors = state.rooms().tensors();
            most = tensors.isPresent() ? compile.apply(Mode.MOST) : any;
            many = tensors.filter(TensorRoom::expands).isPresent() ? compile.apply(Mode.MANY) : most;
            Background<List<CompiledOp>> few = compile.apply(Mode.FEW);
            Background<List<CompiledOp>> one = adapters.isPresent() ? few : compile.apply(Mode.ONE);
            graphs = new GraphCache(one::join, few::join, many::join, mostFew(program, adapters.isPresent()), sequences);
        } catch (RuntimeException | Error e) {
            end();
            throw e;
        }
    }

    /** Most sequences with one token each for which kernels of a few rows are faster than those that read matrices of 16 bits for many. */
    private int mostFew(Program program, boolean adapted) {
        boolean narrow = program.ops().stream().noneMatch(ExpertOp.class::isInstance) && program.ops().stream().filter(Op.Linear.class::isInstance)
                .map(Op.Linear.class::cast).filter(l -> l.out().rows() == Value.Rows.TOKENS).flatMap(l -> state.plan().runs(l).stream())
                .map(state::matrix).allMatch(w -> w.format().bits16() && !w.ordered());
        return narrow && !adapted && state.rooms().tensors().filter(t -> t.pieces() == 1).isPresent() && PairKernels.exist(state.kernels())
                ? RowChainKernels.mostRows(state.kernels()) : ProductKernels.MOST_FEW;
    }

    /** Waits until all is compiled, and throws what has failed; gives back nothing then. */
    public void await() {
        compiling.forEach(Background::join);
    }

    /** Waits for the threads, whose memory it gives back then. */
    private void end() {
        for (Background<List<CompiledOp>> b : compiling) {
            try {
                b.join();
            } catch (RuntimeException | Error _) {
                // told by await, if anybody asks
            }
        }
        arena.close();
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
            (b.tokens > BlocksKernels.MOST ? most : b.tokens > TensorKernels.MOST_FEWER ? many : any).join().forEach(op -> op.launch(stream, size));
        }
    }

    @Override
    public void close() {
        graphs.close();
        end();
    }
}
