package io.jllm.grammar.json;

import io.jllm.grammar.regex.Dfa;
import io.jllm.grammar.regex.Regex;
import java.util.ArrayList;
import java.util.List;

/** Which schemas hold for an item of an array, or for a member of an object. */
final class Members {
    private Members() {
    }

    /** For the item at a place. */
    static List<Schema> item(Facets f, int place) {
        List<Schema> out = new ArrayList<>();
        for (Schema s : f.schemas()) {
            if (s.has("prefixItems") && place < s.get("prefixItems").getAsJsonArray().size()) {
                out.add(s.child("prefixItems", place));
            } else if (s.has("items")) {
                out.add(s.child("items"));
            }
        }
        return out;
    }

    /** For the member of a name. */
    static List<Schema> named(Facets f, String name) {
        List<Schema> out = new ArrayList<>();
        for (Schema s : f.schemas()) {
            int before = out.size();
            if (s.has("properties") && s.get("properties").getAsJsonObject().has(name)) {
                out.add(s.child("properties", name));
            }
            if (s.has("patternProperties")) {
                s.get("patternProperties").getAsJsonObject().keySet().stream().filter(p -> pattern(s, p).matches(name))
                        .forEach(p -> out.add(s.child("patternProperties", p)));
            }
            if (out.size() == before && s.has("additionalProperties")) {
                out.add(s.child("additionalProperties"));
            }
        }
        return out;
    }

    /** For members whose names match these patterns and no others, and are not among the properties. */
    static List<Schema> matching(Facets f, List<String> patterns) {
        List<Schema> out = new ArrayList<>();
        for (Schema s : f.schemas()) {
            int before = out.size();
            if (s.has("patternProperties")) {
                s.get("patternProperties").getAsJsonObject().keySet().stream().filter(patterns::contains)
                        .forEach(p -> out.add(s.child("patternProperties", p)));
            }
            if (out.size() == before && s.has("additionalProperties")) {
                out.add(s.child("additionalProperties"));
            }
        }
        return out;
    }

    /** Texts that have a text of a pattern somewhere. */
    static Dfa pattern(Schema s, String pattern) {
        try {
            return Dfa.of(Regex.parse(pattern).anywhere());
        } catch (IllegalArgumentException e) {
            throw s.refused("pattern \"" + pattern + "\"", "is not supported: " + e.getMessage());
        }
    }
}
