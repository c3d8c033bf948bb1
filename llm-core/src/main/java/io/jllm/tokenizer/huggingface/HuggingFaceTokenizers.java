package io.jllm.tokenizer.huggingface;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.json.EndIds;
import io.jllm.tokenizer.subword.Encoder;
import io.jllm.tokenizer.subword.SubwordTokenizer;
import io.jllm.tokenizer.Tokenizer;
import io.jllm.tokenizer.subword.Vocabulary;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * Tokenizers from Hugging Face model folders. Ids are those of the fast tokenizers of {@code transformers}; where special
 * tokens are not parsed, those of {@code split_special_tokens=True}, and no text becomes a special token by merging its parts.
 */
public final class HuggingFaceTokenizers {
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
     * <p>What goes around a prompt is said by the post-processor of {@code tokenizer.json}; where that adds nothing, by {@code add_bos_token}
     * and {@code add_eos_token} of the configuration (which transformers 5 ignores, and 4 did not). Tokens that end a generation are
     * {@code eos_token}, and {@code eos_token_id} of the generation configuration, or of the model's where that has none.
     * {@code clean_up_tokenization_spaces} is not applied: text is what the tokens say.
     *
     * @throws ModelLoadException if {@code tokenizer.json} is missing, or a file is broken or asks for what is not known here
     */
    public static Tokenizer fromFolder(Path folder) {
        return fromFolder(folder, EndIds.of(ConfigJson.readSuggestions(folder.resolve("generation_config.json")),
                ConfigJson.read(folder.resolve("config.json")).orElse(ConfigJson.parse("config.json", "{}")), HuggingFaceVocabulary.MAX_ID));
    }

    /**
     * The same for whoever has read {@code generation_config.json} and {@code config.json} already: they are not read again.
     *
     * @param ends the tokens that end a generation by these two
     * @throws ModelLoadException if {@code tokenizer.json} is missing, or a file is broken or asks for what is not known here
     */
    public static Tokenizer fromFolder(Path folder, Set<Integer> ends) {
        Path file = folder.resolve("tokenizer.json");
        ConfigJson json = ConfigJson.read(file, MAX_BYTES).orElseThrow(() -> new ModelLoadException(file + " is missing: a folder "
                + "with only tokenizer.model has to be converted, for example by save_pretrained of transformers"));
        SpecialTokens special = SpecialTokens.read(folder);
        HuggingFaceVocabulary vocabulary = new HuggingFaceVocabulary(json, special);
        HuggingFaceFormat format = HuggingFaceFormat.of(json);
        SubwordTokenizer.Frame frame = frame(ends, json, special, vocabulary);
        Normalizer normalizer = Normalizer.of(json);
        Vocabulary table = vocabulary.table(format, normalizer);
        var encoder = new Encoder(SplitSteps.of(json), new HuggingFaceBpe(json, vocabulary).model(table));
        return new SubwordTokenizer(table, new HuggingFaceSplitter(vocabulary.added(), normalizer), encoder, frame,
                format.dropsLeadingSpace());
    }

    private static SubwordTokenizer.Frame frame(Set<Integer> ends, ConfigJson json, SpecialTokens special,
                                                HuggingFaceVocabulary vocabulary) {
        PostProcessor template = PostProcessor.of(json, vocabulary);
        OptionalInt bos = vocabulary.named("bos_token");
        OptionalInt eos = vocabulary.named("eos_token");
        if (bos.isEmpty() && special.named().isEmpty() && template.before().length > 0) {
            bos = OptionalInt.of(template.before()[0]);
        }
        int[] before = special.flag(ADD_BOS) && template.addsNothing() ? bos.stream().toArray() : template.before();
        int[] after = special.flag(ADD_EOS) && template.addsNothing() ? eos.stream().toArray() : template.after();
        Set<Integer> all = new TreeSet<>(ends);
        eos.ifPresent(all::add);
        return new SubwordTokenizer.Frame(bos, before, after, all);
    }
}
