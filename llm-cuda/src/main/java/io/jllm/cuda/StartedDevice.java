package io.jllm.cuda;

import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.Device;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A device that a probe has started. Who opens the backend next, usually at once, takes it over, since starting a device takes a quarter of a
 * second; if nobody does, it is given back after a while.
 */
final class StartedDevice {
    private static final System.Logger LOG = System.getLogger("io.jllm.cuda");
    private static final long HELD_NANOS = TimeUnit.SECONDS.toNanos(5);

    private static Optional<Context> held = Optional.empty();

    private StartedDevice() {
    }

    /** Holds a context for whoever comes next. */
    static synchronized void keep(Context context) {
        release();
        held = Optional.of(context);
        // A thread that ends with it: one of the JVM's for such purposes stays, and keeps the class loader of the application that first asked for
        // it.
        try {
            Thread.ofPlatform().name("jllm-cuda-held").daemon().start(() -> hold(context));
        } catch (OutOfMemoryError e) { // the system gives no more threads
            release();
            throw e;
        }
    }

    /** Waits until somebody takes it over, or for a while; then gives it back. */
    private static synchronized void hold(Context context) {
        long end = System.nanoTime() + HELD_NANOS;
        boolean interrupted = false;
        for (long left = HELD_NANOS; isHeld(context) && left > 0 && !interrupted; left = end - System.nanoTime()) {
            try {
                TimeUnit.NANOSECONDS.timedWait(StartedDevice.class, left);
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (isHeld(context)) {
            release();
        }
    }

    private static synchronized boolean isHeld(Context context) {
        return held.filter(c -> c == context).isPresent();
    }

    /** The context of a device: what is held, or a new one. It is this thread's. */
    static synchronized Context take(Device device) {
        Optional<Context> mine = held.filter(c -> c.device().ordinal() == device.ordinal());
        if (mine.isEmpty()) {
            return Context.open(device);
        }
        forget();
        mine.get().use();
        return mine.get();
    }

    /** Gives back what is held. */
    static synchronized void release() {
        held.ifPresent(StartedDevice::close);
        forget();
    }

    private static synchronized void forget() {
        held = Optional.empty();
        StartedDevice.class.notifyAll(); // whoever waits to give it back
    }

    private static void close(Context context) {
        try {
            context.close();
        } catch (RuntimeException | Error e) { // it may be a thread of the JVM's that does it, where nobody would catch it
            LOG.log(System.Logger.Level.WARNING, "giving back the device failed: " + e);
        }
    }
}
