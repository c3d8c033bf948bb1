package io.jllm.grammar.json;

import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What several schemas without alternatives say together about a value, by its type.
 *
 * @param schemas what they are
 * @param types those a value may have
 * @param literals if given, the only values
 * @param numbers between which numbers
 * @param multiples of what numbers are multiples
 * @param length least and most code points of strings
 * @param items least and most items of arrays
 * @param members least and most members of objects
 * @param required names of members that must be there
 */
record Facets(List<Schema> schemas, Set<Type> types, Optional<List<JsonElement>> literals, Bounds numbers, List<BigDecimal> multiples,
              Range length, Range items, Range members, Set<String> required) {
    /** Integers of so many bits, as generators of schemas for programming languages and OpenAPI's registry of formats name them. */
    private static final Map<String, Integer> INTEGER_FORMATS = Map.of("int8", 8, "int16", 16, "int32", 32, "int64", 64);

    /** A number that is not an integer is of a type of its own here. */
    enum Type { NULL, BOOLEAN, INTEGER, FRACTION, STRING, ARRAY, OBJECT }

    /** From a count to another, both included. */
    record Range(int least, int most) {
        static final Range ANY = new Range(0, Integer.MAX_VALUE);

        Range and(Schema s, String min, String max) {
            int low = s.has(min) ? s.get(min).getAsBigDecimal().intValue() : 0;
            int high = s.has(max) ? s.get(max).getAsBigDecimal().intValue() : Integer.MAX_VALUE;
            return new Range(Math.max(least, low), Math.min(most, high));
        }

        boolean contains(int count) {
            return count >= least && count <= most;
        }

        boolean empty() {
            return least > most;
        }
    }

    static Facets of(List<Schema> schemas) {
        Set<Type> types = EnumSet.allOf(Type.class);
        Optional<List<JsonElement>> literals = Optional.empty();
        Bounds numbers = Bounds.NONE;
        List<BigDecimal> multiples = new ArrayList<>();
        Range length = Range.ANY;
        Range items = Range.ANY;
        Range members = Range.ANY;
        Set<String> required = new LinkedHashSet<>();
        for (Schema s : schemas) {
            types.retainAll(types(s));
            literals = literals(literals, s);
            numbers = numbers(numbers, s);
            if (s.has("multipleOf")) {
                if (s.get("multipleOf").getAsBigDecimal().signum() <= 0) {
                    throw s.refused("multipleOf", "must be above 0");
                }
                multiples.add(s.get("multipleOf").getAsBigDecimal());
            }
            length = length.and(s, "minLength", "maxLength");
            items = items.and(s, "minItems", "maxItems");
            members = members.and(s, "minProperties", "maxProperties");
            if (s.has("required")) {
                s.get("required").getAsJsonArray().forEach(n -> required.add(n.getAsString()));
            }
        }
        return new Facets(schemas, types, literals, numbers, multiples, length, items, members, required);
    }

    /** The same for some of its types. */
    Facets of(Set<Type> some) {
        return new Facets(schemas, some, literals, numbers, multiples, length, items, members, required);
    }

    private static Set<Type> types(Schema s) {
        if (s.isFalse()) {
            return EnumSet.noneOf(Type.class);
        }
        if (!s.has("type")) {
            return EnumSet.allOf(Type.class);
        }
        Set<Type> types = EnumSet.noneOf(Type.class);
        for (JsonElement t : s.get("type").isJsonArray() ? s.get("type").getAsJsonArray().asList() : List.of(s.get("type"))) {
            switch (t.getAsString()) {
                case "number" -> types.addAll(Set.of(Type.INTEGER, Type.FRACTION));
                case String name -> types.add(Type.valueOf(name.toUpperCase(java.util.Locale.ROOT)));
            }
        }
        return types;
    }

    static Type typeOf(JsonElement value) {
        return switch (value) {
            case JsonPrimitive p when p.isString() -> Type.STRING;
            case JsonPrimitive p when p.isBoolean() -> Type.BOOLEAN;
            case JsonPrimitive p -> p.getAsBigDecimal().stripTrailingZeros().scale() <= 0 ? Type.INTEGER : Type.FRACTION;
            case com.google.gson.JsonArray _ -> Type.ARRAY;
            case com.google.gson.JsonObject _ -> Type.OBJECT;
            default -> Type.NULL;
        };
    }

    private static Optional<List<JsonElement>> literals(Optional<List<JsonElement>> before, Schema s) {
        Optional<List<JsonElement>> all = before;
        if (s.has("enum")) {
            all = both(all, s.get("enum").getAsJsonArray().asList());
        }
        return s.has("const") ? both(all, List.of(s.get("const"))) : all;
    }

    private static Optional<List<JsonElement>> both(Optional<List<JsonElement>> before, List<JsonElement> values) {
        return Optional.of(before.isEmpty() ? values
                : before.get().stream().filter(b -> values.stream().anyMatch(v -> Instances.same(b, v))).toList());
    }

    private static Bounds numbers(Bounds before, Schema s) {
        Bounds b = before;
        b = s.has("minimum") ? b.above(s.get("minimum").getAsBigDecimal(), false) : b;
        b = s.has("exclusiveMinimum") ? b.above(s.get("exclusiveMinimum").getAsBigDecimal(), true) : b;
        b = s.has("maximum") ? b.below(s.get("maximum").getAsBigDecimal(), false) : b;
        int bits = s.has("format") ? INTEGER_FORMATS.getOrDefault(s.get("format").getAsString(), 0) : 0;
        if (bits > 0) {
            BigDecimal power = BigDecimal.TWO.pow(bits - 1);
            b = b.above(power.negate(), false).below(power, true);
        }
        return s.has("exclusiveMaximum") ? b.below(s.get("exclusiveMaximum").getAsBigDecimal(), true) : b;
    }

    /** The patterns that strings have, as a pair of keyword and value each. */
    List<Schema> with(String keyword) {
        return schemas.stream().filter(s -> s.has(keyword)).toList();
    }
}
