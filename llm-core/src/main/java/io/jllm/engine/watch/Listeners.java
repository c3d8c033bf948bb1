package io.jllm.engine.watch;

import io.jllm.EngineListener;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** Those who are told what the engine does: an application's listeners, and the JVM's flight recorder where there is one. */
public final class Listeners {
    private static final System.Logger LOG = System.getLogger("io.jllm");

    private final List<Guarded> all = new ArrayList<>();
    private final boolean applications;
    private final BooleanSupplier recording;

    private record Guarded(EngineListener listener, AtomicBoolean warned) {
    }

    private Listeners(List<EngineListener> ofApplication, boolean recorded) {
        ofApplication.forEach(this::add);
        applications = !ofApplication.isEmpty();
        if (recorded) {
            var recorder = new FlightRecording();
            add(recorder);
            recording = recorder::recordsSteps;
        } else {
            recording = () -> false;
        }
    }

    /** An application's, and the flight recorder. */
    public static Listeners of(List<EngineListener> ofApplication) {
        return new Listeners(ofApplication, flightRecorder());
    }

    /** No listeners. */
    public static Listeners none() {
        return new Listeners(List.of(), false);
    }

    /** Whether the JVM has the module of the flight recorder, which an image may lack, and ours may use it. */
    private static boolean flightRecorder() {
        return ModuleLayer.boot().findModule("jdk.jfr").filter(Listeners.class.getModule()::canRead).isPresent();
    }

    private void add(EngineListener listener) {
        all.add(new Guarded(listener, new AtomicBoolean()));
    }

    /** Whether anybody wants to hear of steps; else nothing need be made to tell. */
    boolean hearSteps() {
        return applications || recording.getAsBoolean();
    }

    /** Tells each; who fails does so alone. */
    void tell(Consumer<EngineListener> what) {
        for (int i = 0; i < all.size(); i++) {
            Guarded g = all.get(i);
            try {
                what.accept(g.listener);
            } catch (Throwable t) {
                var level = g.warned.getAndSet(true) ? System.Logger.Level.DEBUG : System.Logger.Level.WARNING;
                LOG.log(level, "the engine listener " + g.listener.getClass().getName() + " failed", t);
            }
        }
    }
}
