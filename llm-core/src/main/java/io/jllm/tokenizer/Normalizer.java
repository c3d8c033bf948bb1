package io.jllm.tokenizer;

import io.jllm.model.source.ConfigJson;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** The simple ones among the normalizers of a {@code tokenizer.json}. */
record Normalizer(List<UnaryOperator<String>> steps) {
    /** Empty if it has a step that is not among the simple ones. */
    static Optional<Normalizer> of(ConfigJson json) {
        List<UnaryOperator<String>> steps = new ArrayList<>();
        return read(json, steps) ? Optional.of(new Normalizer(List.copyOf(steps))) : Optional.empty();
    }

    private static boolean read(ConfigJson json, List<UnaryOperator<String>> steps) {
        switch (json.text("type").orElse("")) {
            case "Sequence" -> {
                return json.objects("normalizers").stream().allMatch(child -> read(child, steps));
            }
            case "Prepend" -> {
                String prefix = json.text("prepend").orElse("");
                return steps.add(text -> text.isEmpty() ? text : prefix + text);
            }
            case "Replace" -> {
                Optional<String> pattern = json.object("pattern").flatMap(p -> p.text("String")).filter(p -> !p.isEmpty());
                Optional<String> content = json.text("content");
                return pattern.isPresent() && content.isPresent() && steps.add(text -> text.replace(pattern.get(), content.get()));
            }
            case "NFC" -> {
                return steps.add(text -> java.text.Normalizer.normalize(text, Form.NFC));
            }
            case "NFKC" -> {
                return steps.add(text -> java.text.Normalizer.normalize(text, Form.NFKC));
            }
            default -> {
                return false;
            }
        }
    }

    String apply(String text) {
        String result = text;
        for (UnaryOperator<String> step : steps) {
            result = step.apply(result);
        }
        return result;
    }
}
