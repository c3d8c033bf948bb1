package io.jllm.jmh.compare;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Rounds of one setting: memory is read, then theirs and ours run in turn, so that what neighbours do to the machine meets both.
 *
 * @param setting what was measured
 * @param ours a run of each round
 * @param theirs likewise; empty if there is no peer
 * @param bandwidth GB a second read with as many threads, of each round
 */
record Comparison(Setting setting, List<Program.Run> ours, List<Program.Run> theirs, List<Double> bandwidth) {
    /** Measures. Each even round begins with the peer, each odd one with us. */
    static Comparison measure(Setting setting, Program ours, Optional<? extends Program> peer, int rounds, Duration limit,
                              Consumer<String> progress) throws IOException, InterruptedException {
        var result = new Comparison(setting, new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        for (int round = 0; round < rounds; round++) {
            result.bandwidth.add(Bandwidth.measure(setting.threads()));
            if (peer.isPresent() && round % 2 == 0) {
                result.theirs.add(setting.circumstances().run(peer.get(), setting, limit));
            }
            result.ours.add(setting.circumstances().run(ours, setting, limit));
            if (peer.isPresent() && round % 2 == 1) {
                result.theirs.add(setting.circumstances().run(peer.get(), setting, limit));
            }
            Speeds mine = result.ours.getLast().speeds();
            progress.accept(setting.label() + ": round " + (round + 1) + " of " + rounds + ": jllm " + words(mine)
                    + (peer.isPresent() ? ", " + peer.get().name() + " " + words(result.theirs.getLast().speeds()) : "")
                    + ", memory " + Math.round(result.bandwidth.getLast() * 10) / 10.0 + " GB/s");
        }
        return result;
    }

    private static String words(Speeds s) {
        return "pp " + word(s.pp()) + " tg " + word(s.tg()) + " in " + word(s.wallMillis()) + " ms";
    }

    private static String word(OptionalDouble v) {
        return v.isPresent() ? "" + Math.round(v.getAsDouble() * 10) / 10.0 : "-";
    }

    /** One figure of every run of ours, or of the peer's. */
    static List<Double> each(List<Program.Run> runs, Function<Speeds, OptionalDouble> figure) {
        return runs.stream().map(r -> figure.apply(r.speeds())).filter(OptionalDouble::isPresent).map(OptionalDouble::getAsDouble).toList();
    }

    /** The median over rounds of ours by theirs, each pair from the same minute; empty if either is missing. */
    OptionalDouble ratio(Function<Speeds, OptionalDouble> figure) {
        return pairs(each(ours, figure), each(theirs, figure));
    }

    /**
     * The share of the read bandwidth that generation makes use of, if each byte of the file is read once a step; empty where nothing was
     * generated.
     */
    OptionalDouble shareOfBandwidth(long fileBytes) {
        List<Double> read = each(ours, Speeds::tg).stream().map(tg -> tg / setting.batch() * fileBytes / 1e9).toList();
        return pairs(read, bandwidth);
    }

    private static OptionalDouble pairs(List<Double> above, List<Double> below) {
        if (above.isEmpty() || above.size() != below.size()) {
            return OptionalDouble.empty();
        }
        var ratios = new ArrayList<Double>();
        for (int i = 0; i < above.size(); i++) {
            ratios.add(above.get(i) / below.get(i));
        }
        return median(ratios);
    }

    /** The middle one, or the mean of both; empty if there is none. */
    static OptionalDouble median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int n = sorted.size();
        return n == 0 ? OptionalDouble.empty() : OptionalDouble.of((sorted.get((n - 1) / 2) + sorted.get(n / 2)) / 2);
    }
}
