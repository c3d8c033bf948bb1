package io.jllm.jinja.value;

import java.util.ArrayList;
import java.util.List;

/** What {@code range} gives: numbers from {@code start} on, by {@code step}, as long as they do not reach {@code stop}. */
public record RangeValue(long start, long stop, long step) implements Value {
    /** As Jinja's sandbox has it. */
    private static final int MAX_SIZE = 100_000;

    /** @throws JinjaException if the step is 0, or they are too many */
    public RangeValue {
        if (step == 0) {
            throw new JinjaException("range() arg 3 must not be zero");
        }
        if (Math.abs(start) > Integer.MAX_VALUE || Math.abs(stop) > Integer.MAX_VALUE || Math.abs(step) > Integer.MAX_VALUE
                || start == Long.MIN_VALUE || stop == Long.MIN_VALUE || step == Long.MIN_VALUE) {
            throw new JinjaException("the limits of a range must be within 32 bits");
        }
        if (size(start, stop, step) > MAX_SIZE) {
            throw new JinjaException("range too big: the limit is " + MAX_SIZE + " numbers");
        }
    }

    private static long size(long start, long stop, long step) {
        long span = step > 0 ? stop - start : start - stop;
        long stride = Math.abs(step);
        return span <= 0 ? 0 : (span + stride - 1) / stride;
    }

    public int size() {
        return (int) size(start, stop, step);
    }

    public Value get(int index) {
        return new Int(start + index * step);
    }

    public List<Value> items() {
        List<Value> items = new ArrayList<>(size());
        for (int i = 0; i < size(); i++) {
            items.add(get(i));
        }
        return items;
    }
}
