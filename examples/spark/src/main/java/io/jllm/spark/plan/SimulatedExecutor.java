package io.jllm.spark.plan;

import java.util.Arrays;
import java.util.BitSet;
import java.util.function.Consumer;

/**
 * One engine, and the tasks that feed it. All sequences of a batch get their tokens in step, so a sequence is over when the batch has taken as many
 * steps as it wants tokens; in between time passes by the size of the batch. Reading prompts holds up the batch.
 */
final class SimulatedExecutor {
    /** As {@link io.jllm.batch.Results} has it. */
    private static final int WINDOWS = 8;

    private final Cluster cluster;
    private final Workload.Lengths lengths;
    private final double[] stepSeconds;
    private final double promptSeconds;
    private final int index;
    private final Slot[] slots;
    /** A heap of the sequences that run, the first to end at its top: at which step, and of which row. */
    private final double[] ends;
    private final int[] owners;
    private final int[] rows;
    private int running;
    private int turn;
    private double now;
    private double steps;
    private double reading; // seconds of prompts that are not read yet
    private double fails;
    private Event event = Event.STARTED;
    private int lives;

    /** A place for a task. */
    private static final class Slot {
        private Partition task; // null while there is none
        private double from;
        private int begun;
        private int done; // how many rows are
        private int oldest; // the first that is not
        private final BitSet ended = new BitSet();
        private long tokens; // of rows that are done
    }

    /** @param stepSeconds by the number of sequences */
    SimulatedExecutor(int index, Cluster cluster, Workload.Lengths lengths, double[] stepSeconds, double promptSeconds) {
        this.index = index;
        this.cluster = cluster;
        this.lengths = lengths;
        double factor = Normal.uniform(cluster.seed() ^ 0x51, index) < cluster.slowPart() ? cluster.slowFactor() : 1;
        this.stepSeconds = Arrays.stream(stepSeconds).map(s -> s * factor).toArray();
        this.promptSeconds = promptSeconds * factor;
        slots = new Slot[cluster.tasks()];
        Arrays.setAll(slots, _ -> new Slot());
        ends = new double[cluster.maxSequences() + 1];
        owners = new int[cluster.maxSequences() + 1];
        rows = new int[cluster.maxSequences() + 1];
    }

    double now() {
        return now;
    }

    int index() {
        return index;
    }

    /** Starts, from a time on, and loads the model, so that it can take tasks at {@link #now}. */
    void start(double time) {
        event = Event.STARTED;
        long life = (long) index << 20 | lives++;
        now = time + Normal.logNormal(cluster.startSeconds(), cluster.startSpread(), cluster.seed() ^ 0x52, life)
                + Normal.logNormal(cluster.loadSeconds(), cluster.startSpread(), cluster.seed() ^ 0x53, life);
        fails = failure(life);
    }

    /** When one that runs now fails; it is as likely at any time, however long it ran. */
    private double failure(long life) {
        return cluster.failuresPerHour() == 0 ? Double.POSITIVE_INFINITY
                : now - StrictMath.log(Normal.uniform(cluster.seed() ^ 0x54, life)) * 3600 / cluster.failuresPerHour();
    }

    boolean isIdle() {
        return Arrays.stream(slots).allMatch(s -> s.task == null);
    }

    /** Wakes one that had nothing to do; had it failed meanwhile, another would be there. */
    void wake(double time) {
        now = Math.max(now, time);
        if (fails <= now) {
            fails = failure((long) index << 20 | lives++);
        }
    }

    boolean hasFreeSlot() {
        return Arrays.stream(slots).anyMatch(s -> s.task == null);
    }

    /** Takes a task, whose rows are there from a time on. */
    void take(Partition task, double from) {
        Slot slot = Arrays.stream(slots).filter(s -> s.task == null).findFirst().orElseThrow();
        slot.task = task;
        slot.from = from;
        slot.begun = 0;
        slot.done = 0;
        slot.oldest = 0;
        slot.ended.clear();
        slot.tokens = 0;
    }

    /** What happens to it. */
    enum Event { STARTED, TASK_ENDED, FAILED }

    /** What happens at {@link #now}. */
    Event event() {
        return event;
    }

    /** Computes until something happens that others have to do with. There must be a task. */
    void run() {
        while (true) {
            fill();
            double next = now + (running == 0 ? Double.POSITIVE_INFINITY : reading + (ends[0] - steps) * stepSeconds[running]);
            double arrival = nextArrival();
            double until = Math.min(Math.min(next, arrival), fails);
            if (until == fails) {
                pass(fails - now);
                now = fails;
                event = Event.FAILED;
                return;
            }
            if (until < next) { // part of the way
                pass(until - now);
                now = until;
                continue;
            }
            now = next;
            reading = 0;
            steps = ends[0];
            if (end()) {
                event = Event.TASK_ENDED;
                return;
            }
        }
    }

    private void pass(double seconds) {
        double read = Math.min(reading, seconds);
        reading -= read;
        if (running > 0) {
            steps += (seconds - read) / stepSeconds[running];
        }
    }

    private double nextArrival() {
        double first = Double.POSITIVE_INFINITY;
        for (Slot s : slots) {
            if (s.task != null && s.from > now) {
                first = Math.min(first, s.from);
            }
        }
        return first;
    }

    /** Begins rows, of each task in turn, while there is room in the batch. */
    private void fill() {
        int without = 0;
        while (running < cluster.maxSequences() && without < slots.length) {
            int at = turn++ % slots.length;
            Slot s = slots[at];
            if (s.task == null || s.from > now || s.begun == s.task.rows() || s.begun - s.oldest >= WINDOWS * cluster.maxSequences()) {
                without++;
                continue;
            }
            without = 0;
            long row = s.task.first() + s.begun;
            reading += lengths.prompt(row) * promptSeconds;
            push(steps + lengths.output(row), at, s.begun++);
        }
        turn %= slots.length;
    }

    /** Ends the sequence at the top; true if that ends its task. */
    private boolean end() {
        Slot s = slots[owners[0]];
        int row = rows[0];
        s.ended.set(row);
        s.oldest = s.ended.nextClearBit(s.oldest);
        s.done++;
        s.tokens += lengths.output(s.task.first() + row);
        pop();
        return s.done == s.task.rows();
    }

    /** Takes the task that has ended out. */
    Partition takeEnded() {
        for (Slot s : slots) {
            if (s.task != null && s.done == s.task.rows()) {
                Partition ended = s.task;
                s.task = null;
                return ended;
            }
        }
        throw new IllegalStateException("no task has ended");
    }

    /** Gives up all tasks; how many tokens were generated for them in vain. */
    long abandon(Consumer<Partition> back) {
        double lost = 0;
        for (int i = 0; i < running; i++) {
            Partition task = slots[owners[i]].task;
            lost += lengths.output(task.first() + rows[i]) - (ends[i] - steps);
        }
        for (Slot s : slots) {
            if (s.task != null) {
                lost += s.tokens;
                back.accept(s.task);
                s.task = null;
            }
        }
        running = 0;
        reading = 0;
        return (long) lost;
    }

    private void push(double end, int owner, int row) {
        int i = running++;
        while (i > 0 && ends[(i - 1) / 2] > end) {
            move((i - 1) / 2, i);
            i = (i - 1) / 2;
        }
        put(i, end, owner, row);
    }

    private void pop() {
        running--;
        double end = ends[running];
        int owner = owners[running];
        int row = rows[running];
        int i = 0;
        while (2 * i + 1 < running) {
            int child = 2 * i + 1;
            child += child + 1 < running && ends[child + 1] < ends[child] ? 1 : 0;
            if (ends[child] >= end) {
                break;
            }
            move(child, i);
            i = child;
        }
        put(i, end, owner, row);
    }

    private void move(int from, int to) {
        put(to, ends[from], owners[from], rows[from]);
    }

    private void put(int at, double end, int owner, int row) {
        ends[at] = end;
        owners[at] = owner;
        rows[at] = row;
    }
}
