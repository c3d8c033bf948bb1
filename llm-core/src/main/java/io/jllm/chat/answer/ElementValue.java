package io.jllm.chat.answer;

/** A value that is written without quotes, as it comes. One line end at its beginning and one at its end are not part of it. */
final class ElementValue {
    private final boolean isText;
    private final StringBuilder waiting = new StringBuilder();
    private boolean begun;

    /**
     * @param isText whether it is a string whatever it looks like, and can be passed on as it comes
     */
    ElementValue(boolean isText) {
        this.isText = isText;
    }

    /** More of the value; what of its JSON text is certain. */
    String add(String more) {
        waiting.append(more);
        if (!isText || waiting.isEmpty()) {
            return "";
        }
        var json = new StringBuilder();
        if (!begun) {
            json.append('"');
            begun = true;
            if (waiting.charAt(0) == '\n') {
                waiting.deleteCharAt(0);
            }
        }
        int certain = waiting.length();
        if (certain > 0 && waiting.charAt(certain - 1) == '\n') {
            certain--;
        }
        json.append(JsonValue.escape(waiting.substring(0, certain)));
        waiting.delete(0, certain);
        return json.toString();
    }

    /** The rest of its JSON text. */
    String end(ParameterTypes types, String tool, String parameter) {
        if (isText) {
            return begun ? "\"" : "\"\"";
        }
        return types.json(tool, parameter, whole());
    }

    /** The JSON text of a value that is said to be JSON: what is there, or a string if it is none. */
    String endJson() {
        String whole = whole();
        return JsonValue.isWhole(whole) ? whole.strip() : "\"" + JsonValue.escape(whole) + "\"";
    }

    private String whole() {
        int from = waiting.isEmpty() || waiting.charAt(0) != '\n' ? 0 : 1;
        int to = waiting.length() > from && waiting.charAt(waiting.length() - 1) == '\n' ? waiting.length() - 1 : waiting.length();
        return waiting.substring(from, to);
    }

    /** The answer ended within the value: the rest of what is there, as the beginning of JSON. */
    String unfinished() {
        return isText ? JsonValue.escape(waiting.toString()) : waiting.toString().strip();
    }
}
