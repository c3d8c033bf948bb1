package io.jllm.jinja.value;

import java.util.List;

/** What {@code keys()}, {@code values()} and {@code items()} of a dictionary give: it shows what is in it now. */
public record DictView(Dict dict, Kind kind) implements Value {
    /** Which part of the entries. */
    public enum Kind {
        KEYS("dict_keys"), VALUES("dict_values"), ITEMS("dict_items");

        private final String typeName;

        Kind(String typeName) {
            this.typeName = typeName;
        }
    }

    /** Python's name of its type. */
    public String typeName() {
        return kind.typeName;
    }

    public List<Value> items() {
        return switch (kind) {
            case KEYS -> dict.keys();
            case VALUES -> dict.values();
            case ITEMS -> dict.items();
        };
    }
}
