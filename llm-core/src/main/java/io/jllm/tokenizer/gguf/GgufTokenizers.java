package io.jllm.tokenizer.gguf;

import io.jllm.ModelLoadException;
import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.tokenizer.subword.AddedToken;
import io.jllm.tokenizer.subword.Encoder;
import io.jllm.tokenizer.subword.Pieces;
import io.jllm.tokenizer.subword.PreTokenizer;
import io.jllm.tokenizer.subword.SubwordTokenizer;
import io.jllm.tokenizer.Tokenizer;
import io.jllm.tokenizer.subword.Vocabulary;
import io.jllm.tokenizer.gguf.GgufVocabulary.Kind;
import io.jllm.tokenizer.split.Splitting;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Tokenizers from the metadata of GGUF files: {@code tokenizer.ggml.model} "gpt2" (byte-level BPE) and "llama" (SentencePiece
 * BPE). Ids are those of llama.cpp, with one difference: where special tokens are not parsed, no text becomes one, not even by
 * merging its parts. As there, bytes for which a byte-level vocabulary has no token are left out.
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
                case "gpt2" -> byteLevel(metadata);
                default -> throw new ModelLoadException("metadata " + MODEL + " is \"" + model
                        + "\", a kind of tokenizer that is not known here; known are gpt2, llama");
            };
        } catch (IllegalArgumentException e) { // a value of another kind than its key asks for
            throw new ModelLoadException(e.getMessage(), e);
        }
    }

    private static Tokenizer byteLevel(GgufMetadata metadata) {
        PreTokenizer pre = PreTokenizer.named(metadata.text(PRE).filter(name -> !name.isEmpty()).orElse("default"));
        GgufVocabulary vocabulary = new GgufVocabulary(metadata);
        OptionalInt eos = vocabulary.idAt(EOS);
        Set<Integer> ends = EndTokens.find(vocabulary, eos);
        Vocabulary table = table(vocabulary, false);
        var encoder = new Encoder(pre.splitting(), GgufBpe.listed(vocabulary, table, pre.ignoreMerges()));
        SubwordTokenizer.Frame frame = frame(metadata, vocabulary.idAt(BOS), eos, pre.addsBos(), ends);
        return new SubwordTokenizer(table, GgufSplitter.byteLevel(added(vocabulary, metadata)), encoder, frame, false);
    }

    private static Tokenizer sentencePiece(GgufMetadata metadata) {
        GgufVocabulary vocabulary = new GgufVocabulary(metadata);
        OptionalInt bos = orDefault(vocabulary.idAt(BOS), 1, vocabulary);
        OptionalInt eos = orDefault(vocabulary.idAt(EOS), 2, vocabulary);
        Set<Integer> ends = EndTokens.find(vocabulary, eos);
        boolean spacePrefix = metadata.bool(SPACE_PREFIX).orElse(true);
        var encoder = new Encoder(new Splitting(List.of()), GgufBpe.scored(vocabulary, vocabulary.idAt(UNKNOWN).orElse(0)));
        return new SubwordTokenizer(table(vocabulary, true), GgufSplitter.sentencePiece(added(vocabulary, metadata), spacePrefix), encoder,
                frame(metadata, bos, eos, true, ends), spacePrefix);
    }

    /** SentencePiece files that do not name these tokens mean Llama's. */
    private static OptionalInt orDefault(OptionalInt id, int llamas, GgufVocabulary vocabulary) {
        return id.isEmpty() && llamas < vocabulary.size() ? OptionalInt.of(llamas) : id;
    }

    private static SubwordTokenizer.Frame frame(GgufMetadata metadata, OptionalInt bos, OptionalInt eos, boolean addsBos,
            Set<Integer> ends) {
        int[] before = metadata.bool(ADD_BOS).orElse(addsBos && bos.isPresent()) ? named(metadata, ADD_BOS, BOS, bos) : new int[0];
        int[] after = metadata.bool(ADD_EOS).orElse(false) ? named(metadata, ADD_EOS, EOS, eos) : new int[0];
        return new SubwordTokenizer.Frame(bos, before, after, ends);
    }

    private static int[] named(GgufMetadata metadata, String flag, String key, OptionalInt id) {
        if (id.isEmpty() && !metadata.entries().containsKey(key)) {
            throw new ModelLoadException("metadata " + flag + " is true, but " + key + " is missing");
        }
        return id.stream().toArray(); // none for an id that was ignored
    }

    private static Vocabulary table(GgufVocabulary vocabulary, boolean sentencePiece) {
        Vocabulary.Builder table = new Vocabulary.Builder(vocabulary.size());
        for (int id = 0; id < vocabulary.size(); id++) {
            String text = vocabulary.text(id);
            switch (vocabulary.kind(id)) {
                case UNKNOWN, CONTROL, UNUSED, UNDEFINED -> table.special(id, text);
                case USER_DEFINED -> table.text(id, text, Pieces.plain(text));
                case BYTE -> table.text(id, text, Pieces.byteOf(text));
                case NORMAL -> table.text(id, text, !sentencePiece ? Pieces.byteLevel(text)
                        : Pieces.isByte(text) ? Pieces.byteOf(text) : Pieces.sentencePiece(text));
            }
        }
        return table.build();
    }

    /** The tokens to look for in a text. Phi-3's, but for three, swallow the white space after them: nothing in the file says so. */
    private static List<AddedToken> added(GgufVocabulary vocabulary, GgufMetadata metadata) {
        String name = metadata.text("general.name").orElse("").toLowerCase(Locale.ROOT);
        boolean phi3 = name.contains("phi-3") || name.contains("phi3");
        List<AddedToken> tokens = new ArrayList<>();
        for (int id = 0; id < vocabulary.size(); id++) {
            Kind kind = vocabulary.kind(id);
            if (kind == Kind.CONTROL || kind == Kind.UNKNOWN || kind == Kind.USER_DEFINED) {
                String text = vocabulary.text(id);
                boolean strips = phi3 && !Set.of("<unk>", "<s>", "<|endoftext|>").contains(text);
                tokens.add(new AddedToken(id, text, kind != Kind.USER_DEFINED, false, strips, false, false));
            }
        }
        return tokens;
    }
}
