package io.jllm.quant.gguf;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * The key-value part of a GGUF file, in file order. Getters are empty where the key is absent; a value of another kind than
 * asked for is an error that names the key. Immutable.
 */
public final class GgufMetadata {
    private final Map<String, GgufValue> entries;

    /** Of these entries. */
    public GgufMetadata(Map<String, GgufValue> entries) {
        this.entries = Collections.unmodifiableMap(new LinkedHashMap<>(entries));
    }

    /** All entries in file order. */
    public Map<String, GgufValue> entries() {
        return entries;
    }

    /** A string. */
    public Optional<String> text(String key) {
        return switch (entries.get(key)) {
            case null -> Optional.empty();
            case GgufValue.Text t -> Optional.of(t.value());
            case GgufValue v -> throw wrong(key, v, "a string");
        };
    }

    /** An integer of any width. */
    public OptionalLong integer(String key) {
        return switch (entries.get(key)) {
            case null -> OptionalLong.empty();
            case GgufValue.Int i -> OptionalLong.of(i.value());
            case GgufValue v -> throw wrong(key, v, "an integer");
        };
    }

    /** A number of any kind. */
    public OptionalDouble real(String key) {
        return switch (entries.get(key)) {
            case null -> OptionalDouble.empty();
            case GgufValue.Real r -> OptionalDouble.of(r.value());
            case GgufValue.Int i -> OptionalDouble.of(i.value());
            case GgufValue v -> throw wrong(key, v, "a number");
        };
    }

    /** A boolean. */
    public Optional<Boolean> bool(String key) {
        return switch (entries.get(key)) {
            case null -> Optional.empty();
            case GgufValue.Bool b -> Optional.of(b.value());
            case GgufValue v -> throw wrong(key, v, "a boolean");
        };
    }

    /** An array of strings. */
    public Optional<List<String>> texts(String key) {
        return switch (entries.get(key)) {
            case null -> Optional.empty();
            case GgufValue.Texts t -> Optional.of(t.values());
            case GgufValue v -> throw wrong(key, v, "an array of strings");
        };
    }

    /** An array of integers; not to be changed. */
    public Optional<long[]> integers(String key) {
        return switch (entries.get(key)) {
            case null -> Optional.empty();
            case GgufValue.Ints i -> Optional.of(i.values());
            case GgufValue v -> throw wrong(key, v, "an array of integers");
        };
    }

    /** An array of numbers of any kind; not to be changed. */
    public Optional<double[]> reals(String key) {
        return switch (entries.get(key)) {
            case null -> Optional.empty();
            case GgufValue.Reals r -> Optional.of(r.values());
            case GgufValue.Ints i -> Optional.of(Arrays.stream(i.values()).asDoubleStream().toArray());
            case GgufValue v -> throw wrong(key, v, "an array of numbers");
        };
    }

    private static String kind(GgufValue v) {
        return v instanceof GgufValue.Array a ? "an array of " + a.size() + " " + a.elementType() : v.type() + " " + v;
    }

    private static IllegalArgumentException wrong(String key, GgufValue v, String wanted) {
        return new IllegalArgumentException("metadata " + key + " must be " + wanted + ", is " + kind(v));
    }
}
