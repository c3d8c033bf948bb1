package io.jllm.convert;

import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A format for some tensors of a file, whatever its mix says.
 *
 * @param pattern found in the names of these tensors, such as {@code ffn_down} or {@code blk\.[0-3]\.attn_v}
 * @param type their format
 */
public record TensorType(Pattern pattern, DType type) {
    /**
     * Checks that the format can be written.
     *
     * @throws IllegalArgumentException if not
     */
    public TensorType {
        if (Encoder.of(type).isEmpty()) {
            throw new IllegalArgumentException("tensors cannot be written as " + type + "; supported are " + types());
        }
    }

    /**
     * Reads {@code REGEX=TYPE}, as llama-quantize's {@code --tensor-type} has it.
     *
     * @throws IllegalArgumentException if it is not that; the message says what is wrong
     */
    public static TensorType parse(String text) {
        int at = text.lastIndexOf('=');
        if (at < 1 || at == text.length() - 1) {
            throw new IllegalArgumentException("\"" + text + "\" must be REGEX=TYPE, such as ffn_down=Q6_K");
        }
        var name = text.substring(at + 1).toUpperCase(Locale.ROOT);
        var type = types().stream().filter(t -> t.name().equals(name)).findFirst().orElseThrow(() -> new IllegalArgumentException(
                "\"" + text + "\" names the format " + text.substring(at + 1) + "; tensors can be written as " + types()));
        try {
            return new TensorType(Pattern.compile(text.substring(0, at)), type);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException("\"" + text.substring(0, at) + "\" is no regular expression: " + e.getDescription() + " at index "
                    + e.getIndex(), e);
        }
    }

    /** Formats that tensors can be written in. */
    public static List<DType> types() {
        return Arrays.stream(DType.values()).filter(t -> Encoder.of(t).isPresent()).toList();
    }
}
