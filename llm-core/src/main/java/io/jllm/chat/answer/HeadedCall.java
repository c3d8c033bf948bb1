package io.jllm.chat.answer;

import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * Calls whose name stands before their arguments: {@code f[ARGS]{...}}. The header is all text up to the first <code>{</code>; it is matched whole
 * by a pattern with a group {@code name} and perhaps a group {@code id}.
 */
final class HeadedCall implements CallReader {
    /** Longer ones are none: names of tools have at most 64 characters. */
    private static final int LONGEST_HEADER = 256;

    private final Pattern header;
    private final Supplier<ValueScanner> values;
    private final Markers ends;
    private Arguments arguments;
    private boolean begun;
    private int length;

    HeadedCall(Pattern header, Supplier<ValueScanner> values, Markers ends) {
        this.header = header;
        this.values = values;
        this.ends = ends;
        arguments = new Arguments(values.get(), ends);
    }

    @Override
    public Step read(Input in, Output out) {
        while (!begun && in.hasNext()) {
            if (in.peek() == '{') {
                if (!begin(in, out)) {
                    return Step.NOT_A_CALL;
                }
            } else {
                in.skip(1);
                length++;
                if (length > LONGEST_HEADER) {
                    return Step.NOT_A_CALL;
                }
            }
        }
        if (!begun) {
            return in.ended() ? Step.NOT_A_CALL : Step.MORE;
        }
        return arguments.read(in, out) ? Step.DONE : Step.MORE;
    }

    private boolean begin(Input in, Output out) {
        String read = in.read();
        var match = header.matcher(read.substring(read.length() - length));
        begun = match.matches();
        if (begun) {
            var id = match.namedGroups().containsKey("id") ? Optional.ofNullable(match.group("id")) : Optional.<String>empty();
            out.callStart(id, match.group("name"), in.take());
            arguments = new Arguments(values.get(), ends);
        }
        return begun;
    }
}
