package io.jllm.tokenizer.gguf;

import io.jllm.ModelLoadException;
import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.tokenizer.subword.AddedToken;
import io.jllm.tokenizer.subword.Encoder;
import io.jllm.tokenizer.subword.Pieces;
import io.jllm.tokenizer.pre.PreTokenizer;
import io.jllm.tokenizer.subword.SubwordTokenizer;
import io.jllm.tokenizer.Tokenizer;
import io.jllm.tokenizer.subword.Vocabulary;
import io.jllm.tokenizer.gguf.GgufVocabulary.Kind;
import io.jllm.tokenizer.pre.PreTokenizer.Bos;
import io.jllm.tokenizer.pre.PreTokenizer.Writing;
import io.jllm.tokenizer.split.Splitting;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Tokenizers from the metadata of GGUF files: {@code tokenizer.ggml.model} "gpt2" (byte-level BPE), "llama" (SentencePiece BPE), "t5"
 * (SentencePiece unigram) and "gemma4" (BPE of characters, by merges). Ids are those of llama.cpp, with one difference:
 * where special tokens are not parsed, no text becomes one, not even by merging its parts.
 * As there, bytes for which a byte-level vocabulary has no token are left out.
 */
public final class GgufTokenizers {
    private static final String MODEL = "tokenizer.ggml.model";
    private static final String PRE = "tokenizer.ggml.pre";
    private static final String BOS = "tokenizer.ggml.bos_token_id";
    private static final String EOS = "tokenizer.ggml.eos_token_id";
    private static final String UNKNOWN = "tokenizer.ggml.unknown_token_id";
    private static final String ADD_BOS = "tokenizer.ggml.add_bos_token";
    private static final String ADD_EOS = "tokenizer.ggml.add_eos_token";
    private static final String SPACE_PREFIX = "tokenizer.ggml.add_space_prefix";

    /** Pre-tokenizers whose mask swallows the white space before it. */
    private static final Set<String> MASKED = Set.of("jina-v2-code", "jina-v2-de", "jina-v2-es");

    private GgufTokenizers() {
    }

    /**
     * The tokenizer of a GGUF file. Ids of special tokens that are out of range are ignored with a warning.
     *
     * @throws ModelLoadException if the keys are missing, wrong, or name a tokenizer that is not known; the message names the key
     */
    public static Tokenizer fromGguf(GgufMetadata metadata) {
        try {
            String model = metadata.text(MODEL).orElseThrow(() -> GgufVocabulary.missing(MODEL, "the kind of tokenizer"));
            return switch (model) {
                case "llama" -> sentencePiece(metadata);
                case "gpt2" -> listed(metadata, metadata.text(PRE).filter(name -> !name.isEmpty()).orElse("default"));
                case "gemma4" -> listed(metadata, model); // has merges, and names no pre-tokenizer that counts
                case "t5" -> unigram(metadata);
                default -> throw new ModelLoadException("metadata " + MODEL + " is \"" + model
                        + "\", a kind of tokenizer that is not known here; known are gemma4, gpt2, llama, t5");
            };
        } catch (IllegalArgumentException e) { // a value of another kind than its key asks for
            throw new ModelLoadException(e.getMessage(), e);
        }
    }

    private static Tokenizer listed(GgufMetadata metadata, String name) {
        PreTokenizer pre = PreTokenizer.named(name);
        GgufVocabulary vocabulary = new GgufVocabulary(metadata);
        OptionalInt eos = vocabulary.idAt(EOS);
        Set<Integer> ends = EndTokens.find(vocabulary, eos);
        Vocabulary table = table(vocabulary, pre.writing());
        var encoder = new Encoder(pre.splitting(), GgufBpe.listed(vocabulary, table, pre)::encoder);
        SubwordTokenizer.Frame frame = frame(metadata, vocabulary.idAt(BOS), eos, pre.bos(), ends);
        return new SubwordTokenizer(table, GgufSplitter.plain(added(vocabulary, metadata)), encoder, frame, false);
    }

    private static Tokenizer sentencePiece(GgufMetadata metadata) {
        GgufVocabulary vocabulary = new GgufVocabulary(metadata);
        OptionalInt bos = vocabulary.idAt(BOS, 1);
        OptionalInt eos = vocabulary.idAt(EOS, 2);
        Set<Integer> ends = EndTokens.find(vocabulary, eos);
        boolean spacePrefix = metadata.bool(SPACE_PREFIX).orElse(true);
        var encoder = new Encoder(new Splitting(List.of()), GgufBpe.scored(vocabulary, vocabulary.idAt(UNKNOWN).orElse(0))::encoder);
        var splitter = GgufSplitter.sentencePiece(added(vocabulary, metadata), spacePrefix);
        return new SubwordTokenizer(table(vocabulary, Writing.MARKED_TEXT), splitter, encoder,
                frame(metadata, bos, eos, Bos.UNLESS_TOLD, ends), spacePrefix);
    }

    /** Where it does not say otherwise, no space goes before a text, and the end-of-sequence token behind a prompt. */
    private static Tokenizer unigram(GgufMetadata metadata) {
        GgufVocabulary vocabulary = new GgufVocabulary(metadata);
        OptionalInt bos = vocabulary.idAt(BOS);
        OptionalInt eos = vocabulary.idAt(EOS, 1);
        Set<Integer> ends = EndTokens.find(vocabulary, eos);
        boolean spacePrefix = metadata.bool(SPACE_PREFIX).orElse(false);
        var unigram = new GgufUnigram(metadata, vocabulary);
        var encoder = new Encoder(unigram.splitting(spacePrefix), unigram.model(vocabulary.idAt(UNKNOWN, 2))::encoder);
        int[] before = metadata.bool(ADD_BOS).orElse(false) ? named(metadata, ADD_BOS, BOS, bos) : new int[0];
        int[] after = metadata.bool(ADD_EOS).orElse(true) ? eos.stream().toArray() : new int[0];
        return new SubwordTokenizer(table(vocabulary, Writing.MARKED_TEXT), GgufSplitter.plain(added(vocabulary, metadata)), encoder,
                new SubwordTokenizer.Frame(bos, before, after, ends), spacePrefix);
    }

    private static SubwordTokenizer.Frame frame(GgufMetadata metadata, OptionalInt bos, OptionalInt eos, Bos put,
            Set<Integer> ends) {
        boolean told = metadata.bool(ADD_BOS).orElse(put == Bos.UNLESS_TOLD && bos.isPresent());
        int[] before = told || put == Bos.ALWAYS ? named(metadata, ADD_BOS, BOS, bos) : new int[0];
        int[] after = metadata.bool(ADD_EOS).orElse(false) ? named(metadata, ADD_EOS, EOS, eos) : new int[0];
        return new SubwordTokenizer.Frame(bos, before, after, ends);
    }

    private static int[] named(GgufMetadata metadata, String flag, String key, OptionalInt id) {
        if (id.isEmpty() && !metadata.entries().containsKey(key)) {
            throw new ModelLoadException("metadata " + flag + " is true, but " + key + " is missing");
        }
        return id.stream().toArray(); // none for an id that was ignored
    }

    private static Vocabulary table(GgufVocabulary vocabulary, Writing writing) {
        Vocabulary.Builder table = new Vocabulary.Builder(vocabulary.size());
        for (int id = 0; id < vocabulary.size(); id++) {
            String text = vocabulary.text(id);
            switch (vocabulary.kind(id)) {
                case UNKNOWN, CONTROL, UNUSED, UNDEFINED -> table.special(id, text);
                case USER_DEFINED -> table.text(id, text, Pieces.plain(text));
                case BYTE -> table.text(id, text, Pieces.byteOf(text));
                case NORMAL -> table.text(id, text, switch (writing) {
                    case BYTES -> Pieces.byteLevel(text);
                    case TEXT -> Pieces.plain(text);
                    case MARKED_TEXT -> Pieces.isByte(text) ? Pieces.byteOf(text) : Pieces.sentencePiece(text);
                });
            }
        }
        return table.build();
    }

    /**
     * The tokens to look for in a text. Phi-3's, but for three, swallow the white space after them, and some masks that before them: nothing
     * in the file says so.
     */
    private static List<AddedToken> added(GgufVocabulary vocabulary, GgufMetadata metadata) {
        String name = metadata.text("general.name").orElse("").toLowerCase(Locale.ROOT);
        boolean phi3 = name.contains("phi-3") || name.contains("phi3");
        String mask = metadata.text(PRE).filter(MASKED::contains).isPresent() ? "<mask>" : name.contains("modern-bert") ? "[MASK]" : "";
        List<AddedToken> tokens = new ArrayList<>();
        for (int id = 0; id < vocabulary.size(); id++) {
            Kind kind = vocabulary.kind(id);
            if (kind == Kind.CONTROL || kind == Kind.UNKNOWN || kind == Kind.USER_DEFINED) {
                String text = vocabulary.text(id);
                boolean strips = phi3 && !Set.of("<unk>", "<s>", "<|endoftext|>").contains(text);
                tokens.add(new AddedToken(id, text, kind != Kind.USER_DEFINED, text.equals(mask), strips, false, false));
            }
        }
        return tokens;
    }
}
