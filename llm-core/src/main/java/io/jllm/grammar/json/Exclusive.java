package io.jllm.grammar.json;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Whether the branches of {@code oneOf} exclude each other. */
final class Exclusive {
    /** How deep the members of objects are compared. */
    private static final int DEPTH = 3;

    private final Strings strings;
    private final Set<String> checked = new HashSet<>();
    private int depth;

    Exclusive(Strings strings) {
        this.strings = strings;
    }

    /** @throws IllegalArgumentException if it cannot be shown that no value satisfies two of them */
    void check(Schema s, List<Schema> branches, Alternatives alternatives) {
        if (!checked.add(s.path())) {
            return;
        }
        for (int i = 0; i < branches.size(); i++) {
            for (int j = i + 1; j < branches.size(); j++) {
                List<Schema> both = List.of(new Schema(s.path() + " beside its oneOf", without(s)), branches.get(i), branches.get(j));
                if (!never(alternatives.of(both), alternatives)) {
                    throw s.refused("oneOf", "is not supported where a value may satisfy two branches, as " + i + " and " + j
                            + " here; write anyOf, or tell them apart by type or by a required member with its own const");
                }
            }
        }
    }

    private static com.google.gson.JsonElement without(Schema s) {
        var copy = s.object().deepCopy();
        copy.remove("oneOf");
        return copy;
    }

    /** Whether it is certain that no value satisfies any of them. */
    private boolean never(List<Facets> alternatives, Alternatives all) {
        return alternatives.stream().allMatch(f -> never(f, all));
    }

    private boolean never(Facets f, Alternatives all) {
        if (f.literals().isPresent()) {
            Instances instances = new Instances(all, strings);
            return f.literals().get().stream().noneMatch(l -> instances.valid(f, l));
        }
        return f.types().stream().allMatch(t -> switch (t) {
            case NULL, BOOLEAN -> false;
            case INTEGER, FRACTION -> f.numbers().empty();
            case STRING -> strings.language(f).map(io.jllm.grammar.regex.Dfa::isEmpty).orElse(false);
            case ARRAY -> f.items().empty() || f.items().least() > 0 && neverInside(Members.item(f, 0), all);
            case OBJECT -> f.members().empty() || f.required().stream().anyMatch(n -> neverInside(Members.named(f, n), all));
        });
    }

    private boolean neverInside(List<Schema> schemas, Alternatives all) {
        if (depth == DEPTH) {
            return false;
        }
        depth++;
        boolean never = never(all.of(schemas), all);
        depth--;
        return never;
    }
}
