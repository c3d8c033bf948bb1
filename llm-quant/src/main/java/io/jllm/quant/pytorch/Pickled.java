package io.jllm.quant.pytorch;

import io.jllm.quant.DType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A value on the stack of a pickle machine. None of these knows Python objects but those that tensors need. */
sealed interface Pickled {
    /** What it is, for messages: never its content, which a file can nest without end. */
    default String kind() {
        return switch (this) {
            case Text _ -> "a string";
            case Whole _ -> "a whole number";
            case Real _ -> "a number";
            case Flag _ -> "True or False";
            case Nothing _ -> "None";
            case Tuple _ -> "a tuple";
            case Dict _ -> "a dictionary";
            case Name n -> n.module() + "." + n.name();
            case Storage _ -> "a storage";
            case Stored _ -> "a tensor";
        };
    }

    record Text(String value) implements Pickled {
    }

    record Whole(long value) implements Pickled {
    }

    record Real(double value) implements Pickled {
    }

    record Flag(boolean value) implements Pickled {
    }

    /** None. */
    record Nothing() implements Pickled {
        static final Nothing NONE = new Nothing();
    }

    record Tuple(List<Pickled> values) implements Pickled {
    }

    /** A dictionary whose keys are strings; of equal ones the identity counts, as it may hold itself. */
    final class Dict implements Pickled {
        private final Map<String, Pickled> entries = new LinkedHashMap<>(0);

        Map<String, Pickled> entries() {
            return entries;
        }
    }

    /** A function or class, by name: it is never looked up. */
    record Name(String module, String name) implements Pickled {
    }

    /**
     * Values of one type in an entry of the archive.
     *
     * @param key names the entry
     * @param dtype torch's word for the type
     * @param type the type
     * @param elements how many
     */
    record Storage(String key, String dtype, Optional<DType> type, int elementBytes, long elements) implements Pickled {
    }

    /**
     * A view of a storage.
     *
     * @param storage where its values are
     * @param offset of its first value, in values
     * @param shape its dimensions
     * @param strides for each dimension, how many values lie between neighbours
     */
    record Stored(Storage storage, long offset, List<Long> shape, List<Long> strides) implements Pickled {
    }
}
