package io.jllm.cuda.adapter;

import io.jllm.adapter.Adapter;
import io.jllm.adapter.Change;
import io.jllm.adapter.LowRank;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What adapters change, each place for itself: launches are compiled for just that. Immutable.
 *
 * @param places by their numbers; those that no adapter changes are not there
 */
public record Uses(Map<Integer, Use> places) {
    /** Nothing. */
    public static final Uses NONE = new Uses(Map.of());
    /** Ranks that are told apart: adapters of nearly the same need no other launches. */
    private static final int RANKS = 16;

    /** Copies the map. */
    public Uses {
        places = Map.copyOf(places);
    }

    /**
     * What adapters change in a place.
     *
     * @param rank the highest, or the most rows that take others' places, rounded up; 0 if there are none
     * @param whole whether one has another matrix there
     * @param apart whether one must know the product apart from its residual
     */
    public record Use(int rank, boolean whole, boolean apart) {
        private static final Use ANY = new Use(0, false, false);

        private static Use of(Change c) {
            int rank = c.lowRank().map(LowRank::rank).or(() -> c.rows().map(r -> r.numbers().length)).orElse(0);
            return new Use(Math.ceilDiv(rank, RANKS) * RANKS, c.whole().isPresent(), c.whole().isPresent() || c.rows().isPresent()
                    || c.gain().length > 0);
        }

        private Use and(Use other) {
            return new Use(Math.max(rank, other.rank), whole || other.whole, apart || other.apart);
        }
    }

    /**
     * What an adapter changes.
     *
     * @throws IllegalArgumentException if it changes what the program does not have
     */
    static Uses of(Adapter adapter, Places program) {
        var all = new HashMap<Integer, Use>();
        adapter.products().forEach((name, change) -> all.merge(program.product(name), Use.of(change), Use::and));
        adapter.tables().forEach((name, change) -> all.merge(program.table(name), Use.of(change), Use::and));
        for (String vector : adapter.vectors().keySet()) {
            if (program.norms().keySet().stream().noneMatch(n -> n.has(vector))) {
                throw new IllegalArgumentException("the program has no norm with " + vector + " that an adapter can change");
            }
            program.norms().forEach((norm, number) -> {
                if (norm.has(vector)) {
                    all.merge(number, Use.ANY, Use::and);
                }
            });
        }
        return new Uses(all);
    }

    /** And what others change. */
    Uses and(Uses others) {
        var all = new HashMap<>(places);
        others.places.forEach((place, use) -> all.merge(place, use, Use::and));
        return new Uses(all);
    }

    /** What adapters change in a place. */
    public Optional<Use> of(int place) {
        return Optional.ofNullable(places.get(place));
    }
}
