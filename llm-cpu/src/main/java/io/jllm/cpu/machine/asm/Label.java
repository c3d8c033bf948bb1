package io.jllm.cpu.machine.asm;

import java.util.ArrayList;
import java.util.List;

/** A place in the code, to jump to. */
public final class Label {
    private static final int UNBOUND = -1;

    private final List<Integer> references = new ArrayList<>();
    private int at = UNBOUND;

    /** Whether its place is known. */
    boolean bound() {
        return at != UNBOUND;
    }

    /** Its place, in bytes from the start. */
    int at() {
        if (!bound()) {
            throw new IllegalStateException("the label is not bound");
        }
        return at;
    }

    void bind(int position) {
        if (bound()) {
            throw new IllegalStateException("the label is bound already, at " + at);
        }
        at = position;
    }

    /** Places of four bytes each that wait for it. */
    List<Integer> references() {
        return references;
    }
}
