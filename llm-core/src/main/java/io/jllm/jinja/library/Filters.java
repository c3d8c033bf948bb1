package io.jllm.jinja.library;

import io.jllm.jinja.value.Arguments;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Value;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** All filters, by name. */
public final class Filters {
    private static final Map<String, Builtin> TABLE = new HashMap<>();
    /** Filters of Jinja that write HTML, or what no prompt has a use for. */
    private static final Set<String> REFUSED = Set.of("filesizeformat", "pprint", "random", "striptags", "urlize", "wordwrap", "xmlattr");

    static {
        TextFilters.addTo(TABLE);
        NumberFilters.addTo(TABLE);
        ListFilters.addTo(TABLE);
        OrderFilters.addTo(TABLE);
        SelectFilters.addTo(TABLE);
    }

    private Filters() {
    }

    static boolean has(String name) {
        return TABLE.containsKey(name);
    }

    /** @throws JinjaException if there is no such filter, or it takes no such arguments, or cannot be done */
    public static Value apply(String name, Value value, Arguments arguments) {
        Builtin filter = TABLE.get(name);
        if (filter == null) {
            throw new JinjaException(REFUSED.contains(name) ? "the filter '" + name + "' of Jinja is not supported"
                    : "no filter named '" + name + "'");
        }
        return filter.apply(value, arguments);
    }
}
