package io.jllm.tokenizer;

import io.jllm.ModelLoadException;
import io.jllm.model.source.ConfigJson;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * Tokenizers from Hugging Face model folders. Ids are those of the fast tokenizers of {@code transformers}; where special
 * tokens are not parsed, those of {@code split_special_tokens=True}, and no text becomes a special token by merging its parts.
 */
public final class HuggingFaceTokenizers {
    private static final long MAX_BYTES = 256L << 20;

    private HuggingFaceTokenizers() {
    }

    /**
     * The tokenizer of a folder: {@code tokenizer.json}, and as far as they are there {@code tokenizer_config.json},
     * {@code special_tokens_map.json}, {@code generation_config.json} and {@code config.json}. To be closed: it holds native
     * memory (about 270 MiB for 128,000 tokens).
     *
     * <p>A prompt gets a beginning-of-sequence token by {@code add_bos_token} of the configuration where it is given, by the
     * post-processor of {@code tokenizer.json} otherwise. Tokens that end a generation are {@code eos_token}, and
     * {@code eos_token_id} of the generation configuration, or of the model's where that has none.
     * {@code clean_up_tokenization_spaces} is not applied: text is what the tokens say.
     *
     * <p>Sets the system property {@code ai.djl.offline} to true where it is unset, so that the native library asks no server for
     * anything.
     *
     * @throws ModelLoadException if {@code tokenizer.json} is missing, or a file is broken or asks for what is not known here
     */
    public static Tokenizer fromFolder(Path folder) {
        Path file = folder.resolve("tokenizer.json");
        ConfigJson json = ConfigJson.read(file, MAX_BYTES).orElseThrow(() -> new ModelLoadException(file + " is missing: a folder "
                + "with only tokenizer.model has to be converted, for example by save_pretrained of transformers"));
        List<ConfigJson> configs = List.of("tokenizer_config.json", "special_tokens_map.json").stream()
                .map(name -> ConfigJson.read(folder.resolve(name))).flatMap(Optional::stream).toList();
        HuggingFaceVocabulary vocabulary = new HuggingFaceVocabulary(json, configs);
        HuggingFaceFormat format = HuggingFaceFormat.of(json, vocabulary);
        SubwordTokenizer.Frame frame = frame(folder, json, configs, vocabulary);
        DjlModel model = DjlModel.of(HuggingFaceModel.json(json, vocabulary, format), file.toString());
        return new SubwordTokenizer(vocabulary.table(format), new HuggingFaceSplitter(vocabulary.added(), format), model, frame,
                format.dropsLeadingSpace());
    }

    private static SubwordTokenizer.Frame frame(Path folder, ConfigJson json, List<ConfigJson> configs,
            HuggingFaceVocabulary vocabulary) {
        PostProcessor template = PostProcessor.of(json, vocabulary);
        OptionalInt bos = vocabulary.named("bos_token");
        OptionalInt eos = vocabulary.named("eos_token");
        if (bos.isEmpty() && configs.isEmpty() && template.before().length > 0) {
            bos = OptionalInt.of(template.before()[0]);
        }
        int[] before = flag(configs, "add_bos_token").map(adds -> adds ? needed(vocabulary, "bos_token") : new int[0])
                .orElse(template.before());
        int[] after = flag(configs, "add_eos_token").map(adds -> adds ? needed(vocabulary, "eos_token") : new int[0])
                .orElse(template.after());
        return new SubwordTokenizer.Frame(bos, before, after, ends(folder, eos));
    }

    private static Optional<Boolean> flag(List<ConfigJson> configs, String key) {
        return configs.stream().map(c -> c.bool(key)).flatMap(Optional::stream).findFirst();
    }

    private static int[] needed(HuggingFaceVocabulary vocabulary, String key) {
        return new int[] {vocabulary.named(key).orElseThrow(() -> new ModelLoadException(
                "tokenizer_config.json: add_" + key + " is true, but " + key + " is missing"))};
    }

    private static Set<Integer> ends(Path folder, OptionalInt eos) {
        Set<Integer> ends = new TreeSet<>();
        eos.ifPresent(ends::add);
        for (String name : List.of("generation_config.json", "config.json")) {
            Optional<ConfigJson> config = ConfigJson.read(folder.resolve(name));
            List<Long> ids = config.map(c -> c.integers("eos_token_id")).orElse(List.of());
            for (long id : ids) {
                if (id < 0 || id > Integer.MAX_VALUE) {
                    throw new ModelLoadException(config.orElseThrow().name("eos_token_id") + " is " + id + ": ids begin at 0");
                }
                ends.add((int) id);
            }
            if (!ids.isEmpty()) {
                break;
            }
        }
        return ends;
    }
}
