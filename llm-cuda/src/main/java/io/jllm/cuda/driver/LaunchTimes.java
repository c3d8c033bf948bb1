package io.jllm.cuda.driver;

import java.util.ArrayList;
import java.util.List;

/** How long launches into a stream take, each by itself: two marks stand around each, so that neighbours do not overlap. */
public final class LaunchTimes implements AutoCloseable {
    private final Owner owner = new Owner();
    private final List<Marks> launches = new ArrayList<>();
    private final Stream stream;

    private record Marks(String kernel, long weightBytes, Event start, Event end) {
    }

    /**
     * A launch that is over.
     *
     * @param kernel its name
     * @param weightBytes bytes of weights that it read; 0 if that was not said
     * @param microseconds that it took
     */
    public record Time(String kernel, long weightBytes, double microseconds) {
    }

    /** Of a stream; {@code end} is run when this is closed. */
    LaunchTimes(Stream stream, Runnable end) {
        this.stream = stream;
        owner.own((AutoCloseable) end::run);
    }

    void time(String kernel, long weightBytes, Runnable launch) {
        var marks = new Marks(kernel, weightBytes, owner.own(Event.timed()), owner.own(Event.timed()));
        marks.start.record(stream);
        launch.run();
        marks.end.record(stream);
        launches.add(marks);
    }

    /** Waits for all that is queued; the launches in their order. */
    public List<Time> all() {
        stream.synchronize();
        return launches.stream().map(m -> new Time(m.kernel, m.weightBytes, m.end.millisecondsSince(m.start) * 1e3)).toList();
    }

    @Override
    public void close() {
        owner.close();
    }
}
