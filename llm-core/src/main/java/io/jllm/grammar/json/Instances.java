package io.jllm.grammar.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.List;

/** Whether a value satisfies schemas: for the values of {@code enum} and {@code const} beside which other keywords stand. */
final class Instances {
    private final Alternatives alternatives;
    private final Strings strings;

    Instances(Alternatives alternatives, Strings strings) {
        this.alternatives = alternatives;
        this.strings = strings;
    }

    /** Whether two values are equal, as JSON schema has it: numbers by their value, objects whatever their order. */
    static boolean same(JsonElement a, JsonElement b) {
        if (Facets.typeOf(a) != Facets.typeOf(b)) {
            return false;
        }
        return switch (Facets.typeOf(a)) {
            case INTEGER, FRACTION -> a.getAsBigDecimal().compareTo(b.getAsBigDecimal()) == 0;
            case ARRAY -> {
                JsonArray x = a.getAsJsonArray();
                JsonArray y = b.getAsJsonArray();
                boolean same = x.size() == y.size();
                for (int i = 0; i < x.size() && same; i++) {
                    same = same(x.get(i), y.get(i));
                }
                yield same;
            }
            case OBJECT -> {
                JsonObject x = a.getAsJsonObject();
                JsonObject y = b.getAsJsonObject();
                yield x.keySet().equals(y.keySet()) && x.keySet().stream().allMatch(k -> same(x.get(k), y.get(k)));
            }
            case NULL, BOOLEAN, STRING -> a.equals(b);
        };
    }

    boolean valid(List<Schema> schemas, JsonElement value) {
        return alternatives.of(schemas).stream().anyMatch(f -> valid(f, value));
    }

    /** Whether a value satisfies what schemas say together. */
    boolean valid(Facets f, JsonElement value) {
        Facets.Type type = Facets.typeOf(value);
        if (!f.types().contains(type) || f.literals().isPresent() && f.literals().get().stream().noneMatch(l -> same(l, value))) {
            return false;
        }
        return switch (type) {
            case NULL, BOOLEAN -> true;
            case INTEGER, FRACTION -> (f.numbers().none() || f.numbers().contains(value.getAsBigDecimal()))
                    && f.multiples().stream().allMatch(m -> value.getAsBigDecimal().remainder(m).signum() == 0);
            case STRING -> strings.language(f).map(l -> l.matches(value.getAsString())).orElse(true);
            case ARRAY -> array(f, value.getAsJsonArray());
            case OBJECT -> object(f, value.getAsJsonObject());
        };
    }

    private boolean array(Facets f, JsonArray array) {
        boolean valid = f.items().contains(array.size());
        for (int i = 0; i < array.size() && valid; i++) {
            valid = valid(Members.item(f, i), array.get(i));
        }
        return valid;
    }

    private boolean object(Facets f, JsonObject object) {
        return f.members().contains(object.size()) && object.keySet().containsAll(f.required())
                && object.entrySet().stream().allMatch(e -> valid(Members.named(f, e.getKey()), e.getValue()) && names(f, e.getKey()));
    }

    /** Whether a member may have this name. */
    boolean names(Facets f, String name) {
        return f.with("propertyNames").stream().allMatch(s -> valid(List.of(s.child("propertyNames")), new com.google.gson.JsonPrimitive(name)));
    }
}
