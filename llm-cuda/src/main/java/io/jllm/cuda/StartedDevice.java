package io.jllm.cuda;

import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.Device;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * A device that a probe has started. Who opens the backend next, usually at once, takes it over, since starting a device takes a quarter of a second; if
 * nobody does, it is given back after a while.
 */
final class StartedDevice {
    private static final System.Logger LOG = System.getLogger("io.jllm.cuda");
    private static final Executor LATER = CompletableFuture.delayedExecutor(5, TimeUnit.SECONDS);

    private static Optional<Context> held = Optional.empty();

    private StartedDevice() {
    }

    /** Holds a context for whoever comes next. */
    static synchronized void keep(Context context) {
        release();
        held = Optional.of(context);
        LATER.execute(() -> releaseIf(context));
    }

    /** The context of a device: what is held, or a new one. It is this thread's. */
    static synchronized Context take(Device device) {
        Optional<Context> mine = held.filter(c -> c.device().ordinal() == device.ordinal());
        if (mine.isEmpty()) {
            return Context.open(device);
        }
        held = Optional.empty();
        mine.get().use();
        return mine.get();
    }

    /** Gives back what is held. */
    static synchronized void release() {
        held.ifPresent(StartedDevice::close);
        held = Optional.empty();
    }

    private static synchronized void releaseIf(Context context) {
        if (held.filter(c -> c == context).isPresent()) {
            release();
        }
    }

    private static void close(Context context) {
        try {
            context.close();
        } catch (RuntimeException | Error e) { // it may be a thread of the JVM's that does it, where nobody would catch it
            LOG.log(System.Logger.Level.WARNING, "giving back the device failed: " + e);
        }
    }
}
