package io.jllm.grammar.json;

import io.jllm.grammar.regex.Dfa;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Formats of strings as regular expressions. Every text admitted has the format. Not every valid text is admitted, but the usual ones: times
 * have no leap seconds and at most nine digits of a fraction, host names at most four labels of at most 32 letters and none in other scripts,
 * e-mail addresses no quotes and no numbers for a domain, URIs no user.
 */
final class Formats {
    private static final String HOUR_MINUTE = "([01][0-9]|2[0-3]):[0-5][0-9]";
    /** RFC 3339, with the days that each month has; no leap seconds. */
    private static final String DATE = "([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]"
            + "|2[0-8]))|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)";
    private static final String TIME = HOUR_MINUTE + ":[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]" + HOUR_MINUTE + ")";
    private static final String BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    private static final String IPV4 = "(" + BYTE + "\\.){3}" + BYTE;
    /** At most 32 letters and digits, and no two hyphens in a row, which are for names in other scripts. */
    private static final String LABEL = "[a-zA-Z0-9](-?[a-zA-Z0-9]){0,31}";
    /** At most 251 characters. */
    private static final String HOST = "(" + LABEL + "\\.){0,3}[a-zA-Z0-9](-?[a-zA-Z0-9]){0,29}";
    private static final String TIME_OF_DURATION = "T([0-9]{1,9}H([0-9]{1,9}M([0-9]{1,9}S)?)?|[0-9]{1,9}M([0-9]{1,9}S)?|[0-9]{1,9}S)";
    private static final String ATOM = "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,20}";
    private static final String ENCODED = "%[0-9a-fA-F]{2}";
    private static final String IN_PATH = "([a-zA-Z0-9._~!$&'()*+,;=:@-]|" + ENCODED + ")";
    private static final String PATH = "(" + IN_PATH + "|/)*";
    private static final String QUERY = "([a-zA-Z0-9._~!$&'()*+,;=:@/?-]|" + ENCODED + ")*";

    private static final Map<String, String> PATTERNS = new TreeMap<>(Map.ofEntries(
            Map.entry("date", DATE),
            Map.entry("time", TIME),
            Map.entry("date-time", DATE + "T" + TIME),
            Map.entry("duration", "P([0-9]{1,9}W|" + TIME_OF_DURATION + "|([0-9]{1,9}Y([0-9]{1,9}M([0-9]{1,9}D)?)?|[0-9]{1,9}M([0-9]{1,9}D)?"
                    + "|[0-9]{1,9}D)(" + TIME_OF_DURATION + ")?)"),
            Map.entry("uuid", "[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"),
            Map.entry("email", ATOM + "(\\." + ATOM + "){0,2}@" + HOST),
            Map.entry("hostname", HOST),
            Map.entry("ipv4", IPV4),
            Map.entry("ipv6", ipv6()),
            Map.entry("uri", "[a-zA-Z][a-zA-Z0-9+.-]*:(//(" + HOST + "|" + IPV4 + ")(:[0-9]{1,5})?(/" + PATH + ")?|(//)?/(" + IN_PATH + PATH + ")?|"
                    + IN_PATH + PATH + ")(\\?" + QUERY + ")?(#" + QUERY + ")?"),
            Map.entry("json-pointer", "(/([^~/]|~[01])*)*")));

    private Formats() {
    }

    private static String ipv6() {
        String group = "[0-9a-fA-F]{1,4}";
        var options = new java.util.ArrayList<String>();
        options.add("(" + group + ":){7}" + group);
        options.add("(" + group + ":){6}" + IPV4);
        for (int before = 0; before <= 7; before++) {
            String head = before == 0 ? "::" : "(" + group + ":){" + (before - 1) + "}" + group + "::";
            for (int after = 0; before + after <= 6; after++) {
                options.add(head + (after == 0 ? "" : group + "(:" + group + "){" + (after - 1) + "}"));
                if (before + after <= 5) {
                    options.add(head + "(" + group + ":){" + after + "}" + IPV4);
                }
            }
        }
        return String.join("|", options);
    }

    static List<String> names() {
        return List.copyOf(PATTERNS.keySet());
    }

    /** Whether there is such a format. */
    static boolean has(String name) {
        return PATTERNS.containsKey(name);
    }

    static Dfa of(String name) {
        return Dfa.of(PATTERNS.get(name));
    }
}
