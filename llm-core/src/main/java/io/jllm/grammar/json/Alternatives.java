package io.jllm.grammar.json;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What schemas say together, as alternatives that are plain: references followed, {@code allOf}, {@code anyOf} and {@code oneOf} resolved. */
final class Alternatives {
    private static final int MOST = 512;
    private static final int MAX_DEPTH = 100;

    private final SchemaDocument document;
    private final Exclusive exclusive;

    Alternatives(SchemaDocument document, Exclusive exclusive) {
        this.document = document;
        this.exclusive = exclusive;
    }

    /** At least one of them holds for a value if and only if all the schemas do. */
    List<Facets> of(List<Schema> schemas) {
        return plain(schemas, 0).stream().map(m -> Facets.of(List.copyOf(m.values()))).toList();
    }

    /** Each alternative is schemas by their paths, so that none is in it twice. */
    private List<Map<String, Schema>> plain(List<Schema> schemas, int depth) {
        List<Map<String, Schema>> all = List.of(Map.of());
        for (Schema s : schemas) {
            all = both(s, all, plain(s, depth));
        }
        return all;
    }

    private List<Map<String, Schema>> plain(Schema s, int depth) {
        if (depth > MAX_DEPTH) {
            throw s.refused("$ref", "refers to itself: follow $ref, allOf, anyOf and oneOf from here and no end is reached");
        }
        if (s.isTrue()) {
            return List.of(Map.of());
        }
        if (s.isFalse()) {
            return List.of();
        }
        List<Map<String, Schema>> all = List.of(Map.of(s.path(), s));
        if (s.has("$ref")) {
            all = both(s, all, plain(document.target(s), depth + 1));
        }
        if (s.has("allOf")) {
            all = both(s, all, plain(children(s, "allOf"), depth + 1));
        }
        if (s.has("anyOf")) {
            all = both(s, all, any(s, "anyOf", depth));
        }
        if (s.has("oneOf")) {
            exclusive.check(s, children(s, "oneOf"), this);
            all = both(s, all, any(s, "oneOf", depth));
        }
        return all;
    }

    private List<Map<String, Schema>> any(Schema s, String keyword, int depth) {
        List<Map<String, Schema>> any = new ArrayList<>();
        for (Schema child : children(s, keyword)) {
            any.addAll(plain(child, depth + 1));
        }
        return any;
    }

    private static List<Schema> children(Schema s, String keyword) {
        List<Schema> out = new ArrayList<>();
        for (int i = 0; i < s.get(keyword).getAsJsonArray().size(); i++) {
            out.add(s.child(keyword, i));
        }
        return out;
    }

    private static List<Map<String, Schema>> both(Schema s, List<Map<String, Schema>> a, List<Map<String, Schema>> b) {
        if ((long) a.size() * b.size() > MOST) {
            throw s.refused("the schema", "has too many alternatives: anyOf and oneOf that hold together make more than " + MOST);
        }
        List<Map<String, Schema>> out = new ArrayList<>();
        for (Map<String, Schema> x : a) {
            for (Map<String, Schema> y : b) {
                Map<String, Schema> both = new LinkedHashMap<>(x);
                both.putAll(y);
                out.add(both);
            }
        }
        return out;
    }
}
