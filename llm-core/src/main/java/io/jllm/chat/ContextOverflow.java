package io.jllm.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What is done with a conversation that is longer than the context. */
public sealed interface ContextOverflow {
    /** It is an error that says how long it is. */
    record Refuse() implements ContextOverflow {
    }

    /**
     * The oldest turns are left out, as many as it takes. A turn is a message of the user with all that follows it up to the user's next one.
     * Instructions at the beginning stay, and so does the last turn.
     *
     * @param keep how many messages behind the instructions stay, too; turns that begin among them stay whole
     */
    record DropOldestTurns(int keep) implements ContextOverflow {
        /**
         * @throws IllegalArgumentException if {@code keep} is below 0
         */
        public DropOldestTurns {
            if (keep < 0) {
                throw new IllegalArgumentException("keep is " + keep + "; it must be at least 0");
            }
        }
    }

    /** It is an error. */
    static ContextOverflow refuse() {
        return new Refuse();
    }

    /** The oldest turns are left out, but for instructions at the beginning. */
    static ContextOverflow dropOldestTurns() {
        return new DropOldestTurns(0);
    }

    /** The oldest turns are left out, but for instructions and so many messages behind them. */
    static ContextOverflow keepFirst(int messages) {
        return new DropOldestTurns(messages);
    }

    /** The conversation without one turn more; empty if nothing may be left out. */
    default Optional<List<Message>> shorter(List<Message> messages) {
        return switch (this) {
            case Refuse _ -> Optional.empty();
            case DropOldestTurns(int keep) -> {
                int from = 0;
                while (from < messages.size() && (messages.get(from).role() == Role.SYSTEM || messages.get(from).role() == Role.DEVELOPER)) {
                    from++;
                }
                from = keep == 0 ? from : nextTurn(messages, Math.min(messages.size(), from + keep));
                int to = nextTurn(messages, from + 1);
                if (to >= messages.size()) {
                    yield Optional.empty();
                }
                var rest = new ArrayList<>(messages.subList(0, from));
                rest.addAll(messages.subList(to, messages.size()));
                yield Optional.of(rest);
            }
        };
    }

    private static int nextTurn(List<Message> messages, int from) {
        int at = from;
        while (at < messages.size() && messages.get(at).role() != Role.USER) {
            at++;
        }
        return at;
    }
}
