package io.jllm.jmh.compare;

import java.io.IOException;
import java.time.Duration;

/** A program that can be measured. Each run is a process of its own. */
interface Program {
    /** As results call it. */
    String name();

    /** What to type to measure that, with the model's name for its path: it says nothing about the machine. */
    String command(Setting setting);

    /**
     * Measures once.
     *
     * @throws IOException if it fails; the message has the end of what it said
     */
    Run run(Setting setting, Duration limit) throws IOException, InterruptedException;

    /**
     * One measurement.
     *
     * @param speeds the figures
     * @param kernels what computed, where the program says
     */
    record Run(Speeds speeds, String kernels) {
    }
}
