package io.jllm.chat.answer;

/**
 * A value as Gemma 4 has it, written as JSON: objects whose keys have no quotes, or the model's own, strings between marks that are tokens
 * ({@code <|"|>}) with nothing escaped inside, and JSON's numbers and names.
 */
final class GemmaValue extends ValueScanner {
    private enum State { OPENING, TEXT, KEY, WORD }

    private final String quote;
    private State state = State.WORD;
    /** How many characters of the quote stand here. */
    private int quoted;
    private JsonValue word = new JsonValue();

    /**
     * @param quote stands around strings; its first character is nowhere else in it
     */
    GemmaValue(String quote) {
        this.quote = quote;
    }

    @Override
    Step begin(char c, boolean key) {
        if (c == quote.charAt(0)) {
            state = State.OPENING;
            quoted = 1;
            return Step.MORE;
        }
        if (key) {
            if (c == ':') {
                return Step.ERROR;
            }
            state = State.KEY;
            json.append('"');
            JsonValue.escape(c, json);
            return Step.MORE;
        }
        state = State.WORD;
        word = new JsonValue();
        return c == '"' ? Step.ERROR : word(c);
    }

    @Override
    Step atom(char c) {
        return switch (state) {
            case OPENING -> opening(c);
            case TEXT -> text(c);
            case KEY -> key(c);
            case WORD -> word(c);
        };
    }

    private Step opening(char c) {
        if (c != quote.charAt(quoted)) {
            json.append(quote, 0, quoted);
            return Step.ERROR;
        }
        quoted++;
        if (quoted == quote.length()) {
            quoted = 0;
            state = State.TEXT;
            json.append('"');
        }
        return Step.MORE;
    }

    private Step text(char c) {
        if (c == quote.charAt(quoted)) {
            quoted++;
            if (quoted == quote.length()) {
                json.append('"');
                return Step.LAST;
            }
            return Step.MORE;
        }
        json.append(JsonValue.escape(quote.substring(0, quoted)));
        quoted = c == quote.charAt(0) ? 1 : 0;
        if (quoted == 0) {
            JsonValue.escape(c, json);
        }
        return Step.MORE;
    }

    private Step key(char c) {
        if (c == ':') {
            json.append('"');
            return Step.PAST;
        }
        if ("{}[]<".indexOf(c) >= 0) {
            return Step.ERROR;
        }
        JsonValue.escape(c, json);
        return Step.MORE;
    }

    private Step word(char c) {
        Step step = word.next(c);
        json.append(word.drain());
        return step;
    }

    @Override
    boolean atomMayEnd() {
        return state == State.WORD && word.mayEnd();
    }
}
