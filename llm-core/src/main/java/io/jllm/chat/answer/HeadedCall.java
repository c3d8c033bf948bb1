package io.jllm.chat.answer;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Calls whose name stands before their arguments: {@code f[ARGS]{...}}. The header is all text up to the first <code>{</code>; it is matched whole
 * by a pattern with a group {@code name} and perhaps a group {@code id}.
 */
final class HeadedCall implements CallReader {
    /** Longer ones are none: names of tools have at most 64 characters. */
    private static final int LONGEST_HEADER = 256;

    private final Pattern header;
    private final Arguments arguments;
    private boolean begun;
    private int length;

    HeadedCall(Pattern header, ValueScanner value, Markers ends) {
        this.header = header;
        arguments = new Arguments(value, ends);
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
            boolean hasId = header.namedGroups().containsKey("id");
            out.callStart(hasId ? Optional.ofNullable(match.group("id")) : Optional.empty(), match.group("name"), in.take());
        }
        return begun;
    }
}
