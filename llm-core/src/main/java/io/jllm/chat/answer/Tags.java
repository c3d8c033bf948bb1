package io.jllm.chat.answer;

import java.util.List;

/**
 * The tags of calls in the manner of XML. Names stand between an opening and its end, values between the end of their name and their own end.
 *
 * @param call opens a call; empty if the name follows at once
 * @param nameEnd ends its name; empty if the name ends with the next tag
 * @param callEnd ends the call
 * @param parameter opens a parameter
 * @param nameEnds end its name and begin its value
 * @param valueOpen stands between name and value, with white space around it; may be empty
 * @param valueEnd ends a value
 * @param forgotten ends of a call that end a value whose end the model forgot; the values after it are not lost for it
 */
record Tags(String call, String nameEnd, String callEnd, String parameter, List<NameEnd> nameEnds, String valueOpen, String valueEnd,
            List<String> forgotten) {
    /** How a value is written. */
    enum Notation {
        /** As text, if the parameter's schema allows nothing but a string; else as JSON, or as text where it is no JSON. */
        BY_SCHEMA,
        /** As text. */
        TEXT,
        /** As JSON. */
        JSON
    }

    /** An end of a parameter's name, and what it says of the value. */
    record NameEnd(String text, Notation notation) {
    }
}
