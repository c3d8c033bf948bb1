package io.jllm.examples.cli.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.jllm.spi.KernelListener;
import io.jllm.spi.KernelTime;
import io.jllm.spi.StepBatch;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * Where the time of forward passes goes: their kernels, by name, for passes of one kind. Heard on the engine's thread, read when it has
 * nothing to do.
 */
public final class Profile implements KernelListener {
    private static final double PERCENT = 100;

    private final List<KernelTime> times = new ArrayList<>();
    private OptionalDouble bandwidth = OptionalDouble.empty();
    private boolean decodes;
    private int passes;
    private long tokens;

    /** What is heard counts from here on: of steps in which each sequence has one token, or of the others. */
    public void begin(boolean ofDecodes) {
        times.clear();
        passes = 0;
        tokens = 0;
        decodes = ofDecodes;
    }

    @Override
    public void loaded(OptionalDouble memoryBandwidth) {
        bandwidth = memoryBandwidth;
    }

    @Override
    public void passed(StepBatch batch, List<KernelTime> kernels) {
        if (batch.tokens > 0 && decodes == (batch.tokens == batch.sequences)) {
            passes++;
            tokens += batch.tokens;
            times.addAll(kernels);
        }
    }

    private List<KernelTime> sorted() {
        return KernelTime.summed(times).stream().sorted(Comparator.comparingDouble(KernelTime::microseconds).reversed()).toList();
    }

    private double sum() {
        return times.stream().mapToDouble(KernelTime::microseconds).sum();
    }

    /**
     * A table: of each kernel launches and microseconds of a pass, its part of the time, how fast it reads weights, and which part of the memory's
     * speed that is.
     *
     * @param what the passes are
     */
    public List<String> lines(String what) {
        var lines = new ArrayList<String>();
        lines.add(String.format(Locale.ROOT, "%s: %.0f us of kernels a step, %.1f tokens a step, %d steps%s", what, sum() / Math.max(passes, 1),
                (double) tokens / Math.max(passes, 1), passes, bandwidth.isPresent()
                        ? String.format(Locale.ROOT, ", memory of %.0f GB/s", bandwidth.getAsDouble() / 1e9) : ""));
        lines.add("kernel                                    launches        us     %  weights GB/s" + (bandwidth.isPresent() ? "  of memory %" : ""));
        for (KernelTime t : sorted()) {
            String speed = t.weightBytes() == 0 ? "" : String.format(Locale.ROOT, "%14.0f%s", gigabytes(t), bandwidth.isPresent()
                    ? String.format(Locale.ROOT, "%13.1f", PERCENT * gigabytes(t) * 1e9 / bandwidth.getAsDouble()) : "");
            lines.add(String.format(Locale.ROOT, "%-40s %9.1f %9.1f %5.1f%s", t.kernel(), (double) t.launches() / passes, t.microseconds() / passes,
                    PERCENT * t.microseconds() / sum(), speed));
        }
        return lines;
    }

    /** Of weights, a second. */
    private static double gigabytes(KernelTime t) {
        return t.weightBytes() / t.microseconds() / 1e3;
    }

    /** The same for programs: all of it a pass. */
    public JsonObject json() {
        var all = new JsonObject();
        all.addProperty("steps", passes);
        all.addProperty("tokens", (double) tokens / Math.max(passes, 1));
        all.addProperty("us", rounded(sum() / Math.max(passes, 1)));
        bandwidth.ifPresent(b -> all.addProperty("memory_bytes_per_s", b));
        var kernels = new JsonArray();
        for (KernelTime t : sorted()) {
            var one = new JsonObject();
            one.addProperty("kernel", t.kernel());
            one.addProperty("launches", (double) t.launches() / passes);
            one.addProperty("us", rounded(t.microseconds() / passes));
            one.addProperty("weight_bytes", t.weightBytes() / passes);
            kernels.add(one);
        }
        all.add("kernels", kernels);
        return all;
    }

    private static double rounded(double x) {
        return Math.round(x * PERCENT) / PERCENT;
    }
}
