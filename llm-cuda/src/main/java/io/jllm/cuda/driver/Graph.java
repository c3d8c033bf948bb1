package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Work that was queued once and can be started again as one. */
public final class Graph implements AutoCloseable {
    private final MemorySegment executable;
    private boolean closed;

    private Graph(MemorySegment executable) {
        this.executable = executable;
    }

    /** Takes down what an action queues on a stream instead of doing it. */
    public static Graph capture(Stream stream, Runnable action) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            Calls.check(CudaDriver.cuStreamBeginCapture_v2(stream.handle(), CudaDriver.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL()),
                    "cuStreamBeginCapture");
            RuntimeException failure = null;
            try {
                action.run();
            } catch (RuntimeException e) {
                failure = e;
            }
            int ended = CudaDriver.cuStreamEndCapture(stream.handle(), out); // a stream that goes on taking down could not be used again
            MemorySegment graph = out.get(ValueLayout.ADDRESS, 0);
            try {
                if (failure != null) {
                    throw failure;
                }
                Calls.check(ended, "cuStreamEndCapture");
                Calls.check(CudaDriver.cuGraphInstantiateWithFlags(out, graph, 0), "cuGraphInstantiate");
            } finally {
                if (graph.address() != 0) {
                    CudaDriver.cuGraphDestroy(graph);
                }
            }
            var made = new Graph(out.get(ValueLayout.ADDRESS, 0));
            try {
                Calls.check(CudaDriver.cuGraphUpload(made.executable, stream.handle()), "cuGraphUpload");
            } catch (CudaException e) {
                made.close();
                throw e;
            }
            return made;
        }
    }

    /** Queues it. */
    public void launch(Stream stream) {
        Calls.check(CudaDriver.cuGraphLaunch(executable, stream.handle()), "cuGraphLaunch");
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Calls.check(CudaDriver.cuGraphExecDestroy(executable), "cuGraphExecDestroy");
        }
    }
}
