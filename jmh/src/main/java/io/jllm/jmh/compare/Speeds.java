package io.jllm.jmh.compare;

import java.util.OptionalDouble;

/**
 * What one run gave.
 *
 * @param pp tokens of prompts a second
 * @param tg tokens generated a second
 * @param loadMillis time to load the model
 * @param firstTokenMillis from the first request to its token
 * @param wallMillis from the start of the program to its end
 * @param peakMib most physical memory held
 */
record Speeds(OptionalDouble pp, OptionalDouble tg, OptionalDouble loadMillis, OptionalDouble firstTokenMillis, OptionalDouble wallMillis,
              OptionalDouble peakMib) {
    /** This with the generation of another run, and the higher peak of both. */
    Speeds withGeneration(Speeds other) {
        double peak = Math.max(peakMib.orElse(0), other.peakMib.orElse(0));
        return new Speeds(pp, other.tg, loadMillis, firstTokenMillis, wallMillis, peak > 0 ? OptionalDouble.of(peak) : OptionalDouble.empty());
    }
}
