package io.jllm.spi;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * How long kernels of one name took.
 *
 * @param kernel as the backend names it
 * @param launches how often it ran
 * @param microseconds of all of them together, measured where they run
 * @param weightBytes bytes of weights that they read, all of them together; 0 for kernels that read none, or where that depends on the data
 */
public record KernelTime(String kernel, int launches, double microseconds, long weightBytes) {
    /** Of the same name and of both. */
    private KernelTime and(KernelTime other) {
        return new KernelTime(kernel, launches + other.launches, microseconds + other.microseconds, weightBytes + other.weightBytes);
    }

    /** One for each name, in the order in which they came. */
    public static List<KernelTime> summed(Iterable<KernelTime> times) {
        var byName = new LinkedHashMap<String, KernelTime>();
        times.forEach(t -> byName.merge(t.kernel, t, KernelTime::and));
        return new ArrayList<>(byName.values());
    }
}
