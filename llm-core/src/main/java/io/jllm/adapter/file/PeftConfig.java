package io.jllm.adapter.file;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** What {@code adapter_config.json} says of an adapter. Source: {@code LoraConfig} of the peft library, version 0.21. */
final class PeftConfig {
    private static final int MOST_RANK = 65_536;
    private static final String TARGETS = "target_modules";
    private static final String ALL_LINEAR = "all-linear";
    private static final String TOKENS = "trainable_token_indices";
    /** Variants that compute something else than what is read here, if they are switched on. */
    private static final List<String> VARIANTS = List.of("use_qalora", "use_bdlora", "alora_invocation_tokens", "layer_replication",
            "target_parameters", "arrow_config", "kasa_config", "velora_config", "monteclora_config", "megatron_config");
    /** How weights begin where the base model's stay what they are; others change these, so that the adapter fits no other model. */
    private static final Set<String> STARTS = Set.of("true", "false", "gaussian", "eva", "orthogonal");

    private final ConfigJson json;
    private final int rank;
    private final double alpha;
    private final boolean rooted;
    private final Map<Pattern, Double> ranks;
    private final Map<Pattern, Double> alphas;
    private final Predicate<String> targeted;

    private PeftConfig(ConfigJson json) {
        this.json = json;
        refuse();
        rank = json.integer("r", 1, MOST_RANK);
        alpha = finite("lora_alpha", json.real("lora_alpha").orElse(8.0));
        rooted = json.bool("use_rslora").orElse(false);
        ranks = patterns("rank_pattern");
        alphas = patterns("alpha_pattern");
        targeted = readTargets();
    }

    /** Of a folder's {@code adapter_config.json}. */
    static PeftConfig of(ConfigJson json) {
        return new PeftConfig(json);
    }

    private void refuse() {
        String type = json.text("peft_type").orElseThrow(() -> new ModelLoadException(json.name("peft_type") + " is missing: it must be LORA"));
        if (!type.equals("LORA")) {
            throw new ModelLoadException(json.name("peft_type") + " is " + type + "; supported is LORA, with rsLoRA and DoRA. Merge this adapter"
                    + " into its model with peft, and load the result");
        }
        for (String key : VARIANTS) {
            if (json.value(key).filter(PeftConfig::isOn).isPresent()) {
                throw new ModelLoadException(json.name(key) + " is " + shown(json.value(key).get()) + ": this variant of LoRA is not supported."
                        + " Merge the adapter into its model with peft, and load the result");
            }
        }
        json.value("init_lora_weights").map(PeftConfig::text).filter(start -> !STARTS.contains(start)).ifPresent(start -> {
            throw new ModelLoadException(json.name("init_lora_weights") + " is " + start + ", which changes the base model's weights before training,"
                    + " so that the adapter fits only these. Save it with path_initial_model_for_weight_conversion, which makes a usual one of it, "
                    + "or merge it with peft");
        });
    }

    private static boolean isOn(JsonElement e) {
        return switch (e) {
            case JsonPrimitive p when p.isBoolean() -> p.getAsBoolean();
            case JsonArray a -> !a.isEmpty();
            case JsonObject o -> !o.isEmpty();
            default -> true;
        };
    }

    private static String text(JsonElement e) {
        return e instanceof JsonPrimitive p ? p.getAsString() : e.toString();
    }

    private static String shown(JsonElement e) {
        String text = e.toString();
        return text.length() > 60 ? text.substring(0, 60) + "..." : text;
    }

    private double finite(String key, double value) {
        if (!Double.isFinite(value)) {
            throw new ModelLoadException(json.name(key) + " is " + value + "; it must be a finite number");
        }
        return value;
    }

    /** Numbers for modules whose names end with what a regular expression fits; the first counts. */
    private Map<Pattern, Double> patterns(String key) {
        var all = new LinkedHashMap<Pattern, Double>();
        json.object(key).ifPresent(o -> o.json().keySet().forEach(pattern -> all.put(
                ModulePatterns.of(json.name(key), "(.*\\.)?(" + pattern + ")"), number(o, key, pattern))));
        return all;
    }

    private double number(ConfigJson o, String key, String pattern) {
        if (o.json().get(pattern) instanceof JsonPrimitive p && p.isNumber()) {
            return finite(key, p.getAsDouble());
        }
        throw new ModelLoadException(json.name(key) + " of \"" + pattern + "\" must be a number, is " + shown(o.json().get(pattern)));
    }

    private Predicate<String> readTargets() {
        if (json.value(TARGETS).orElse(null) instanceof JsonPrimitive p) {
            if (p.getAsString().equals(ALL_LINEAR)) {
                return _ -> true;
            }
            Pattern pattern = ModulePatterns.of(json.name(TARGETS), p.getAsString());
            return module -> ModulePatterns.fits(json.name(TARGETS), pattern, module);
        }
        List<String> names = json.texts(TARGETS);
        return module -> names.stream().anyMatch(n -> module.equals(n) || module.endsWith("." + n));
    }

    /** Whether a module is one of {@code target_modules}; an output matrix is also one where the adapter is tied to the embeddings'. */
    boolean targets(String module) {
        return targeted.test(module) || json.bool("ensure_weight_tying").orElse(false);
    }

    /** What {@code target_modules} says, for messages. */
    String targets() {
        return json.name(TARGETS) + " (" + json.value(TARGETS).map(PeftConfig::shown).orElse("null") + ")";
    }

    private Optional<Double> first(String key, Map<Pattern, Double> patterns, String module) {
        return patterns.entrySet().stream().filter(e -> ModulePatterns.fits(json.name(key), e.getKey(), module)).map(Map.Entry::getValue).findFirst();
    }

    /** The rank that a module must have. */
    double rank(String module) {
        return first("rank_pattern", ranks, module).orElse((double) rank);
    }

    /** What its product is multiplied by. */
    float scale(String module) {
        double a = first("alpha_pattern", alphas, module).orElse(alpha);
        return (float) (rooted ? a / Math.sqrt(rank(module)) : a / rank(module));
    }

    /** Whether DoRA's magnitudes belong to it. */
    boolean isDora() {
        return json.bool("use_dora").orElse(false);
    }

    /** Which tokens a module's replaced rows are for. */
    int[] tokens(String module) {
        JsonElement said = json.value(TOKENS).orElseThrow(() -> new ModelLoadException(json.name(TOKENS)
                + " is missing, but there are rows of tokens for " + module));
        String key = TOKENS;
        ConfigJson in = json;
        if (said instanceof JsonObject o) {
            key = o.keySet().stream().filter(name -> module.equals(name) || module.endsWith("." + name)).findFirst().orElseThrow(
                    () -> new ModelLoadException(json.name(TOKENS) + " names " + o.keySet() + ", but there are rows of tokens for " + module));
            in = json.object(TOKENS).orElseThrow();
        }
        return in.integers(key).stream().mapToInt(Math::toIntExact).toArray();
    }
}
