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
    private static final System.Logger LOG = System.getLogger("io.jllm");
    private static final long MAX_BYTES = 256L << 20;
    private static final String ADD_BOS = "add_bos_token";
    private static final String ADD_EOS = "add_eos_token";

    private HuggingFaceTokenizers() {
    }

    /**
     * The tokenizer of a folder: {@code tokenizer.json}, and as far as they are there {@code tokenizer_config.json},
     * {@code special_tokens_map.json}, {@code added_tokens.json}, {@code generation_config.json} and {@code config.json}, read as
     * transformers 5 reads them.
     *
     * <p>A prompt gets a beginning-of-sequence token by {@code add_bos_token} and {@code add_eos_token} of the configuration where it
     * mentions one of them, by the post-processor of {@code tokenizer.json} otherwise. Tokens that end a generation are {@code eos_token}, and
     * {@code eos_token_id} of the generation configuration, or of the model's where that has none.
     * {@code clean_up_tokenization_spaces} is not applied: text is what the tokens say.
     *
     * @throws ModelLoadException if {@code tokenizer.json} is missing, or a file is broken or asks for what is not known here
     */
    public static Tokenizer fromFolder(Path folder) {
        Path file = folder.resolve("tokenizer.json");
        ConfigJson json = ConfigJson.read(file, MAX_BYTES).orElseThrow(() -> new ModelLoadException(file + " is missing: a folder "
                + "with only tokenizer.model has to be converted, for example by save_pretrained of transformers"));
        SpecialTokens special = SpecialTokens.read(folder);
        HuggingFaceVocabulary vocabulary = new HuggingFaceVocabulary(json, special);
        HuggingFaceFormat format = HuggingFaceFormat.of(json);
        SubwordTokenizer.Frame frame = frame(folder, json, special, vocabulary);
        Vocabulary table = vocabulary.table(format);
        var encoder = new Encoder(SplitSteps.of(json), new HuggingFaceBpe(json, vocabulary).model(table));
        return new SubwordTokenizer(table, new HuggingFaceSplitter(vocabulary.added(), Normalizer.of(json)), encoder, frame,
                format.dropsLeadingSpace());
    }

    private static SubwordTokenizer.Frame frame(Path folder, ConfigJson json, SpecialTokens special, HuggingFaceVocabulary vocabulary) {
        PostProcessor template = PostProcessor.of(json, vocabulary);
        OptionalInt bos = vocabulary.named("bos_token");
        OptionalInt eos = vocabulary.named("eos_token");
        if (bos.isEmpty() && special.named().isEmpty() && template.before().length > 0) {
            bos = OptionalInt.of(template.before()[0]);
        }
        // One flag decides about both ends, and a token that is not there is not added.
        boolean byFlags = special.mentions(Set.of(ADD_BOS, ADD_EOS));
        int[] before = !byFlags ? template.before() : special.flag(ADD_BOS) ? bos.stream().toArray() : new int[0];
        int[] after = !byFlags ? template.after() : special.flag(ADD_EOS) ? eos.stream().toArray() : new int[0];
        return new SubwordTokenizer.Frame(bos, before, after, ends(folder, eos));
    }

    private static Set<Integer> ends(Path folder, OptionalInt eos) {
        Set<Integer> ends = new TreeSet<>();
        eos.ifPresent(ends::add);
        for (String name : List.of("generation_config.json", "config.json")) {
            Optional<ConfigJson> config = ConfigJson.read(folder.resolve(name));
            List<Long> ids = config.map(c -> c.integers("eos_token_id")).orElse(List.of());
            for (long id : ids) {
                if (id >= 0 && id <= HuggingFaceVocabulary.MAX_ID) {
                    ends.add((int) id);
                } else {
                    LOG.log(System.Logger.Level.WARNING, "{0} is {1}, which is no token id: it is ignored",
                            config.orElseThrow().name("eos_token_id"), String.valueOf(id));
                }
            }
            if (!ids.isEmpty()) {
                break;
            }
        }
        return ends;
    }
}
