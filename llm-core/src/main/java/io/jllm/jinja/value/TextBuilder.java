package io.jllm.jinja.value;

import java.util.Arrays;

/** Puts a string together, and keeps whose its characters are. What is added is counted before it is. */
public final class TextBuilder {
    private final StringBuilder text = new StringBuilder();
    private final Meter meter;
    private boolean first;
    private boolean last;
    private int[] cuts = Str.NO_CUTS;
    private int count;

    public TextBuilder(Meter meter) {
        this.meter = meter;
    }

    public int length() {
        return text.length();
    }

    public TextBuilder add(Str more) {
        return add(more, 0, more.text().length());
    }

    /** A part of a string by UTF-16 units. */
    public TextBuilder add(Str more, int from, int to) {
        if (more.isUniform()) {
            add(more.text(), from, to, more.isTrusted());
        } else {
            more.runs(from, to, (start, end, trusted) -> add(more.text(), start, end, trusted));
        }
        return this;
    }

    /** What the template wrote, or makes. */
    public TextBuilder add(String more) {
        add(more, 0, more.length(), true);
        return this;
    }

    public TextBuilder add(String more, boolean trusted) {
        add(more, 0, more.length(), trusted);
        return this;
    }

    private void add(String more, int from, int to, boolean trusted) {
        if (from >= to) {
            return;
        }
        meter.characters(to - from);
        if (text.isEmpty()) {
            first = trusted;
        } else if (trusted != last) {
            if (count == cuts.length) {
                cuts = Arrays.copyOf(cuts, Math.max(8, 2 * count));
            }
            cuts[count++] = text.length();
        }
        last = trusted;
        text.append(more, from, to);
    }

    public Str build() {
        return count == 0 ? first ? Str.trusted(text.toString()) : Str.data(text.toString())
                : new Str(text.toString(), first, Arrays.copyOf(cuts, count));
    }
}
