package io.jllm.cpu.adapter;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A place of a program that adapters may change. Changed between steps, by one thread; read during them by many.
 *
 * @param <T> what a change is
 */
abstract sealed class Site<T> permits ProductSite, TableSite, NormSite {
    /** By number; null for adapters that change nothing here. */
    private final List<T> changes = new ArrayList<>();

    /** An adapter's change; null if it changes nothing here. */
    final T change(int adapter) {
        return adapter < changes.size() ? changes.get(adapter) : null;
    }

    final void put(int adapter, T change) {
        while (changes.size() <= adapter) {
            changes.add(null);
        }
        changes.set(adapter, change);
    }

    final void remove(int adapter) {
        if (adapter < changes.size()) {
            changes.set(adapter, null);
        }
    }

    /** Whether no adapter changes anything here. */
    public final boolean isEmpty() {
        return changes.stream().allMatch(Objects::isNull);
    }
}
