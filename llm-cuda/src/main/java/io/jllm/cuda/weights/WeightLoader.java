package io.jllm.cuda.weights;

import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.driver.PinnedRing;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.PackKernels;
import io.jllm.quant.Weights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Brings weights to the device at the speed of the bus: a few threads copy pieces of the mapped file into a pinned ring; this one queues each full
 * slot, to its place if it lies there as in the file, else to a staging area from which a kernel lays it out. Tables of formats go in front of their
 * matrices, the order of columns behind them.
 */
public final class WeightLoader {
    private static final System.Logger LOG = System.getLogger("io.jllm.cuda");
    private static final int COPY_THREADS = 8;
    private static final int SLOTS = 16;
    private static final int SLOT_BYTES = 4 << 20;
    /** How long to wait for a full slot before looking whether the copying threads have failed. */
    private static final long PATIENCE_MILLIS = 100;

    /** Rows of some weights that fit a slot, from a first one on; in the matrix that is row {@code row}. */
    private record Piece(WeightPlan.Matrix matrix, Weights from, long first, int row, int rows) {
        long bytes() {
            return from.rowBytes() * rows;
        }
    }

    private record Filled(Piece piece, PinnedRing.Slot slot) {
    }

    private final WeightPlan plan;
    private final DeviceMemory memory;
    private final List<Piece> pieces = new ArrayList<>();
    private final AtomicInteger next = new AtomicInteger();
    private final BlockingQueue<Filled> full = new LinkedBlockingQueue<>();
    private volatile Throwable failure;

    private WeightLoader(WeightPlan plan, DeviceMemory memory) {
        this.plan = plan;
        this.memory = memory;
        for (WeightPlan.Matrix m : plan.matrices()) {
            int at = 0;
            for (Weights t : m.parts()) {
                int most = Math.toIntExact(Math.max(1, slotBytes() / t.rowBytes()));
                for (int row = 0; row < t.rows(); row += most) {
                    int rows = (int) Math.min(most, t.rows() - row);
                    pieces.add(new Piece(m, t, row, at + row, rows));
                }
                at += Math.toIntExact(t.rows());
            }
        }
    }

    /** A row of any weights fits. */
    private long slotBytes() {
        long widest = plan.matrices().stream().flatMap(m -> m.parts().stream()).mapToLong(Weights::rowBytes).max().orElse(1);
        long all = plan.matrixBytes() / SLOTS;
        return Math.max(widest, Math.clamp(all, 1 << 16, SLOT_BYTES)); // small models need no large ring
    }

    /** Fills the memory of a plan, and waits until all is there. */
    public static void load(WeightPlan plan, DeviceMemory memory, Context context, Stream stream, Kernels kernels) {
        long began = System.nanoTime();
        new WeightLoader(plan, memory).run(context, stream, kernels);
        LOG.log(System.Logger.Level.DEBUG, "{0} bytes of weights came to the device in {1} ms", plan.bytes(),
                (System.nanoTime() - began) / 1_000_000);
    }

    private void run(Context context, Stream stream, Kernels kernels) {
        float[] vectors = plan.vectorFloats();
        try (var owner = new Owner(); Arena arena = Arena.ofConfined()) {
            if (vectors.length > 0) {
                memory.write(arena.allocateFrom(ValueLayout.JAVA_FLOAT, vectors), plan.matrixBytes());
            }
            for (WeightPlan.Matrix m : plan.matrices()) {
                byte[] table = m.format().table();
                if (table.length > 0) {
                    memory.write(arena.allocateFrom(ValueLayout.JAVA_BYTE, table), m.at());
                }
                if (m.ordered()) {
                    memory.write(arena.allocateFrom(ValueLayout.JAVA_INT, m.order()), m.orderAt());
                }
            }
            var ring = owner.own(new PinnedRing(SLOTS, Math.ceilDiv(slotBytes(), 256) * 256));
            DeviceMemory staging = owner.own(DeviceMemory.allocate(context, slotBytes(), "laying out weights"));
            var threads = new ArrayList<Thread>();
            try {
                for (int i = 0; i < Math.min(COPY_THREADS, pieces.size()); i++) {
                    threads.add(Thread.ofPlatform().name("jllm-cuda-copy-" + i).daemon().start(() -> copy(ring)));
                }
                queueAll(ring, stream, staging.address(), new PackKernels(kernels, arena));
            } finally {
                next.set(pieces.size());
                threads.forEach(Thread::interrupt);
                join(threads);
                stream.synchronize();
            }
        }
    }

    /** What a copying thread does. */
    private void copy(PinnedRing ring) {
        try {
            for (int i = next.getAndIncrement(); i < pieces.size(); i = next.getAndIncrement()) {
                Piece p = pieces.get(i);
                PinnedRing.Slot slot = ring.take();
                p.from.read(p.first, p.rows, slot.memory());
                full.add(new Filled(p, slot));
            }
        } catch (InterruptedException _) {
            // the other side has failed and says why
        } catch (Throwable t) {
            failure = t; // a file that was cut short, for one
        }
    }

    private void queueAll(PinnedRing ring, Stream stream, long staging, PackKernels pack) {
        for (int done = 0; done < pieces.size(); done++) {
            Filled f = full.poll();
            while (f == null) {
                if (failure != null) {
                    throw new IllegalStateException("reading the weights failed: " + failure, failure);
                }
                f = ring.recycle() ? full.poll() : await();
            }
            Piece p = f.piece;
            MemorySegment from = f.slot.memory().asSlice(0, p.bytes());
            WeightPlan.Matrix m = p.matrix;
            long to = memory.address() + m.at();
            if (m.format().asInFile(m.cols())) {
                stream.copyToDevice(to + p.row * p.from.rowBytes(), from);
            } else {
                stream.copyToDevice(staging, from);
                pack.run(stream, m.format(), staging, to, m.rows(), m.cols(), p.row, p.rows);
            }
            ring.release(f.slot, stream);
        }
    }

    private Filled await() {
        try {
            return full.poll(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while loading weights", e);
        }
    }

    private static void join(List<Thread> threads) {
        boolean interrupted = false;
        for (Thread t : threads) {
            while (t.isAlive()) {
                try {
                    t.join();
                } catch (InterruptedException e) {
                    interrupted = true; // the ring must not go while they write to it
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
