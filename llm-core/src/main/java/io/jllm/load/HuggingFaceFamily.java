package io.jllm.load;

import com.google.gson.JsonPrimitive;
import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.model.Architecture;
import io.jllm.model.Key;
import io.jllm.model.arch.Families;
import io.jllm.model.decoder.Decoder;
import io.jllm.quant.WeightSource;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Which family a {@code config.json} is of, and of a model of several media that of its part for text. */
final class HuggingFaceFamily {
    private static final String TYPE = "model_type";
    private static final String CLASSES = "architectures";
    private static final String TEXT = "text_config";
    private static final String TIED = Key.TIED.huggingFace().getFirst();

    private HuggingFaceFamily() {
    }

    /**
     * A family and its model.
     *
     * @throws ModelLoadException if something is missing, out of range or not supported; the message names key, value and limit
     */
    static FamilyModel read(ConfigJson json, List<Architecture> families) {
        var type = type(json);
        if (isBody(json)) {
            return read(json.with(TIED, new JsonPrimitive(true)), families, type);
        }
        return read(json, families, type);
    }

    private static FamilyModel read(ConfigJson json, List<Architecture> families, String type) {
        var text = json.object(TEXT).filter(_ -> families.stream().noneMatch(a -> a.isNamed(type)));
        return text.isPresent() ? text(json, text.get(), families) : read(json, json, named(json, type, families));
    }

    private static FamilyModel read(ConfigJson whole, ConfigJson json, Architecture family) {
        if (whole.object("quantization_config").flatMap(q -> q.text("quant_method")).filter(family.quantizations()::contains).isEmpty()) {
            HuggingFaceQuantization.check(whole);
        }
        var keys = new HuggingFaceKeys(json);
        var model = family.read(keys);
        return new FamilyModel(model, Optional.of(new GgufForm(family.ggufName(), keys.notes().values(), keys.notes().vectors(), model::ggufOrder)));
    }

    private static String type(ConfigJson json) {
        return json.text(TYPE).orElseThrow(() -> new ModelLoadException(json.name(TYPE) + " is missing: it names the model family"));
    }

    private static Architecture named(ConfigJson json, String type, List<Architecture> families) {
        try {
            return Families.named(families, type);
        } catch (ModelLoadException e) {
            throw new ModelLoadException(json.name(TYPE) + ": " + e.getMessage(), e);
        }
    }

    private static FamilyModel text(ConfigJson json, ConfigJson text, List<Architecture> families) {
        var outer = type(json);
        var family = named(text, type(text), families);
        if (!family.multimodal().contains(outer)) {
            throw new ModelLoadException(json.name(TYPE) + " is \"" + outer + "\", with \"" + type(text) + "\" for text; of models of several "
                    + "media the text is supported of " + families.stream().flatMap(a -> a.multimodal().stream().map(m -> m + " with " + a.name()))
                    .collect(Collectors.joining(", ")));
        }
        // either may say it; where the tensors are two that differ, it is not meant
        boolean tied = json.bool(TIED).orElse(false) || text.bool(TIED).orElse(false);
        return read(json, json.has(TIED) ? text.with(TIED, new JsonPrimitive(tied)) : text, family);
    }

    /**
     * Whether a folder was saved from transformers' base class of a family, as {@code MistralModel}, which has no output matrix: models for
     * vectors of texts are. The embedding table then stands for it.
     */
    private static boolean isBody(ConfigJson json) {
        var classes = json.texts(CLASSES);
        return !classes.isEmpty() && classes.stream().allMatch(c -> c.endsWith("Model") && !c.endsWith("HeadModel") && !c.endsWith("HeadsModel"));
    }

    /** Whether a model has no output matrix, of its own or tied, but only a table that stands for it: its logits mean nothing. */
    static boolean hasNoOutput(ConfigJson json, WeightSource weights) {
        return isBody(json) && !json.bool(TIED).orElse(false) && weights.find(Decoder.OUTPUT).isEmpty();
    }

    /** What says of which tokens a text ends with: where the whole model does not, its part for text. */
    static ConfigJson endTokens(ConfigJson json) {
        return json.has("eos_token_id") ? json : json.object(TEXT).orElse(json);
    }
}
