package io.jllm.chat.answer;

import java.util.List;
import java.util.function.Function;

/**
 * How answers of a format look.
 *
 * @param calls what may begin calls, and who reads them
 * @param bare readers of calls that have no mark: tried where the answer begins with {@code [} or <code>{</code>
 * @param closers what ends the calls: dropped behind them, text elsewhere
 * @param wrappers what stands around content; always dropped
 * @param reasoning what stands around reasoning. It counts where no content stands before it
 */
record Syntax(List<Opener> calls, List<Function<Context, CallReader>> bare, List<String> closers, List<String> wrappers, List<Fence> reasoning) {
    /** The same where nothing is a call. */
    Syntax withoutCalls() {
        return new Syntax(List.of(), List.of(), List.of(), wrappers, reasoning);
    }

    /** What readers of calls know. */
    record Context(ParameterTypes types, Markers ends) {
        boolean isTool(String name) {
            return types.names().contains(name);
        }
    }

    /** A marker before calls, and how they are read; the first reader that finds one counts. */
    record Opener(String text, List<Function<Context, CallReader>> readers) {
    }

    /** What stands before and behind reasoning. */
    record Fence(String open, String close) {
    }
}
