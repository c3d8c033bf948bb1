package io.jllm.tokenizer.huggingface;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.json.EndIds;
import io.jllm.tokenizer.Tokenizer;
import io.jllm.tokenizer.sentencepiece.SentencePieceNormalizer;
import io.jllm.tokenizer.source.SpecialTokens;
import io.jllm.tokenizer.source.TokenizerSource;
import io.jllm.tokenizer.split.Splitting;
import io.jllm.tokenizer.subword.AddedToken;
import io.jllm.tokenizer.subword.Encoder;
import io.jllm.tokenizer.subword.SubwordTokenizer;
import io.jllm.tokenizer.subword.Vocabulary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Tokenizers from Hugging Face model folders. Ids are those of the fast tokenizers of {@code transformers}; where special
 * tokens are not parsed, those of {@code split_special_tokens=True}, and no text becomes a special token by merging its parts.
 */
public final class HuggingFaceTokenizers {
    private static final String ADD_BOS = "add_bos_token";
    private static final String ADD_EOS = "add_eos_token";

    private HuggingFaceTokenizers() {
    }

    /**
     * The tokenizer of a folder: {@code tokenizer.json}, and as far as they are there {@code tokenizer_config.json},
     * {@code special_tokens_map.json}, {@code added_tokens.json}, {@code generation_config.json} and {@code config.json}, read as
     * transformers 5 reads them.
     *
     * <p>Without {@code tokenizer.json}: {@code qwen.tiktoken} of the first Qwen; a SentencePiece model, {@code tokenizer.model} or
     * {@code spiece.model}, of the kinds unigram and BPE, with all that its normalizer does; or {@code vocab.json} with
     * {@code merges.txt}. Of these {@code tokenizer_class} says what goes around, and one that is not known is an error.
     * SentencePiece puts its space before each text between special tokens, but where
     * {@code legacy} is false before the first alone.
     *
     * <p>What goes around a prompt is said by the post-processor of {@code tokenizer.json}; where that adds nothing, by {@code add_bos_token}
     * and {@code add_eos_token} of the configuration (which transformers 5 ignores, and 4 did not). Tokens that end a generation are
     * {@code eos_token}, and {@code eos_token_id} of the generation configuration, or of the model's where that has none.
     * {@code clean_up_tokenization_spaces} is not applied: text is what the tokens say.
     *
     * @throws ModelLoadException if there is none of these files, or a file is broken or asks for what is not known here
     */
    public static Tokenizer fromFolder(Path folder) {
        return fromFolder(folder, EndIds.of(ConfigJson.readSuggestions(folder.resolve("generation_config.json")),
                ConfigJson.read(folder.resolve("config.json")).orElse(ConfigJson.parse("config.json", "{}")), AddedToken.MAX_ID));
    }

    /**
     * The same for whoever has read {@code generation_config.json} and {@code config.json} already: they are not read again.
     *
     * @param ends the tokens that end a generation by these two
     * @throws ModelLoadException if there is no file of a tokenizer, or one is broken or asks for what is not known here
     */
    public static Tokenizer fromFolder(Path folder, Set<Integer> ends) {
        return switch (TokenizerSource.read(folder)) {
            case TokenizerSource.Json json -> fromJson(json, ends);
            case TokenizerSource.Pieces pieces -> fromPieces(pieces, ends);
        };
    }

    /** Whether a folder has files of a tokenizer. */
    public static boolean isIn(Path folder) {
        return TokenizerSource.isIn(folder);
    }

    private static Tokenizer fromJson(TokenizerSource.Json source, Set<Integer> ends) {
        ConfigJson json = source.json();
        HuggingFaceVocabulary vocabulary = new HuggingFaceVocabulary(json, source.special());
        HuggingFaceFormat format = HuggingFaceFormat.of(json);
        SubwordTokenizer.Frame frame = frame(all(ends, source, vocabulary::id), json, source.special(), vocabulary);
        Normalizer normalizer = Normalizer.of(json);
        Vocabulary table = vocabulary.table(format, normalizer);
        Encoder.Model model = switch (vocabulary.kind()) {
            case BPE -> new HuggingFaceBpe(json, vocabulary).model(table)::encoder;
            case UNIGRAM -> HuggingFaceUnigram.model(json, vocabulary)::encoder;
        };
        var encoder = new Encoder(SplitSteps.of(json), model);
        return new SubwordTokenizer(table, new HuggingFaceSplitter(vocabulary.added(), normalizer), encoder, frame,
                format.dropsLeadingSpace());
    }

    private static Tokenizer fromPieces(TokenizerSource.Pieces source, Set<Integer> ends) {
        var tokens = new PieceTokens(source);
        var normalizer = new SentencePieceNormalizer(source.model());
        boolean eachText = source.special().config().flatMap(c -> c.bool("legacy")).orElse(true);
        var splitter = HuggingFaceSplitter.of(tokens.added(), tokens.userDefined(source.model().type()),
                (text, first) -> new Normalizer.Normalized(normalizer.apply(text, source.spacePrefix() && (eachText || first)), first));
        var encoder = new Encoder(new Splitting(List.of()), tokens.model(source.model()));
        return new SubwordTokenizer(tokens.table(), splitter, encoder, frame(all(ends, source, tokens::id), source, tokens),
                source.spacePrefix() || source.model().removesSpaces());
    }

    private static SubwordTokenizer.Frame frame(Set<Integer> ends, TokenizerSource.Pieces source, PieceTokens tokens) {
        OptionalInt bos = named(source.special(), "bos_token", tokens);
        OptionalInt eos = named(source.special(), "eos_token", tokens);
        var before = new ArrayList<Integer>();
        if (source.special().config().flatMap(c -> c.bool(ADD_BOS)).orElse(source.kind().addsBos())) {
            bos.ifPresent(before::add);
        }
        source.kind().before().forEach(text -> tokens.id(text).ifPresent(before::add));
        int[] after = source.addsEos() ? eos.stream().toArray() : new int[0];
        Set<Integer> all = new TreeSet<>(ends);
        eos.ifPresent(all::add);
        return new SubwordTokenizer.Frame(bos, before.stream().mapToInt(id -> id).toArray(), after, all);
    }

    private static OptionalInt named(SpecialTokens special, String role, PieceTokens tokens) {
        AddedToken token = special.named().get(role);
        return token == null ? OptionalInt.empty() : tokens.id(token.text());
    }

    /** With those that the source names. */
    private static Set<Integer> all(Set<Integer> ends, TokenizerSource source, Function<String, OptionalInt> id) {
        Set<Integer> all = new TreeSet<>(ends);
        source.ends().forEach(text -> id.apply(text).ifPresent(all::add));
        return all;
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
