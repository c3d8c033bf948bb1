package io.jllm.model.decoder;

import io.jllm.ModelLoadException;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Switches that a family does not compute: they are refused by name, and never left out. Each throws a {@link ModelLoadException}. */
public final class Refusal {
    private Refusal() {
    }

    /** Unless a flag is as the family has it, or is not there. */
    public static void unless(Keys keys, Key flag, boolean supported) {
        keys.flag(flag).filter(said -> said != supported).ifPresent(said -> {
            throw new ModelLoadException(keys.name(flag) + " is " + said + "; this family supports only " + supported);
        });
    }

    /** Unless a text is one of some, or is not there. */
    public static void unless(Keys keys, Key text, List<String> supported) {
        keys.text(text).filter(said -> !supported.contains(said)).ifPresent(said -> {
            throw new ModelLoadException(keys.name(text) + " is \"" + said + "\"; supported " + (supported.size() == 1 ? "is " : "are ")
                    + supported.stream().collect(Collectors.joining(", ")));
        });
    }

    /** Unless a whole number is 0, or is not there. */
    public static void unlessZero(Keys keys, Key key) {
        keys.optionalInteger(key).ifPresent(said -> {
            if (said != 0) {
                throw new ModelLoadException(keys.name(key) + " is " + said + "; this family supports only 0");
            }
        });
    }

    /** If a key is there and not null. */
    public static void ifSaid(Keys keys, Key... unsupported) {
        Stream.of(unsupported).filter(keys::has).findFirst().ifPresent(key -> {
            throw new ModelLoadException(keys.name(key) + " is there; this family supports only models without it");
        });
    }
}
