package io.jllm.tokenizer;

import io.jllm.ModelLoadException;
import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.tokenizer.GgufVocabulary.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.function.ObjIntConsumer;

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
     * The tokenizer of a GGUF file. To be closed: it holds native memory (some 40 MiB for 128,000 tokens).
     *
     * <p>Sets the system property {@code ai.djl.offline} to true where it is unset, so that the native library asks no server for
     * anything.
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
        PreTokenizer pre = PreTokenizer.named(metadata.text(PRE).orElse("default"));
        GgufVocabulary vocabulary = new GgufVocabulary(metadata);
        OptionalInt eos = vocabulary.idAt(EOS);
        Set<Integer> ends = EndTokens.find(vocabulary, eos);
        TokenizerJson.Tokens tokens = sink -> {
            tellTokens(vocabulary, vocabulary::isText, sink);
            for (int b = 0; b < 256; b++) {
                // A byte without a token must still keep its neighbours from merging: the id past the end is dropped afterwards.
                String text = Pieces.byteLevel((byte) b);
                if (vocabulary.id(text).stream().noneMatch(vocabulary::isText)) {
                    sink.accept(text, vocabulary.size());
                }
            }
        };
        TokenizerJson.Bpe bpe = new TokenizerJson.Bpe(vocabulary.size(), tokens, Merges.listed(vocabulary), Optional.of(pre), Optional.empty());
        DjlModel djl = DjlModel.of(TokenizerJson.of(bpe), "the vocabulary of the GGUF file");
        SubwordTokenizer.Frame frame = frame(metadata, vocabulary.idAt(BOS), eos, pre.addsBos(), ends);
        return new SubwordTokenizer(table(vocabulary, false), GgufSplitter.byteLevel(added(vocabulary, metadata)), djl, frame, false);
    }

    private static Tokenizer sentencePiece(GgufMetadata metadata) {
        GgufVocabulary vocabulary = new GgufVocabulary(metadata);
        OptionalInt bos = orDefault(vocabulary.idAt(BOS), 1, vocabulary);
        OptionalInt eos = orDefault(vocabulary.idAt(EOS), 2, vocabulary);
        String unknown = vocabulary.text(vocabulary.idAt(UNKNOWN).orElse(0));
        Set<Integer> ends = EndTokens.find(vocabulary, eos);
        // Bytes and the unknown token are what the model falls back on.
        TokenizerJson.Tokens tokens = sink -> tellTokens(vocabulary,
                id -> vocabulary.isText(id) || Pieces.isByte(vocabulary.text(id)) || vocabulary.text(id).equals(unknown), sink);
        boolean spacePrefix = metadata.bool(SPACE_PREFIX).orElse(true);
        TokenizerJson.Bpe bpe = new TokenizerJson.Bpe(vocabulary.size(), tokens, Merges.scored(vocabulary), Optional.empty(), Optional.of(unknown));
        DjlModel djl = DjlModel.of(TokenizerJson.of(bpe), "the vocabulary of the GGUF file");
        return new SubwordTokenizer(table(vocabulary, true), GgufSplitter.sentencePiece(added(vocabulary, metadata), spacePrefix), djl,
                frame(metadata, bos, eos, true, ends), spacePrefix);
    }

    /** SentencePiece files that do not name these tokens mean Llama's. */
    private static OptionalInt orDefault(OptionalInt id, int llamas, GgufVocabulary vocabulary) {
        return id.isEmpty() && llamas < vocabulary.size() ? OptionalInt.of(llamas) : id;
    }

    private static SubwordTokenizer.Frame frame(GgufMetadata metadata, OptionalInt bos, OptionalInt eos, boolean addsBos,
            Set<Integer> ends) {
        int[] before = metadata.bool(ADD_BOS).orElse(addsBos && bos.isPresent()) ? new int[] {named(ADD_BOS, BOS, bos)} : new int[0];
        int[] after = metadata.bool(ADD_EOS).orElse(false) ? new int[] {named(ADD_EOS, EOS, eos)} : new int[0];
        return new SubwordTokenizer.Frame(bos, before, after, ends);
    }

    private static int named(String flag, String key, OptionalInt id) {
        return id.orElseThrow(() -> new ModelLoadException("metadata " + flag + " is true, but " + key + " is missing"));
    }

    private static void tellTokens(GgufVocabulary vocabulary, IntPredicate which, ObjIntConsumer<String> sink) {
        for (int id = 0; id < vocabulary.size(); id++) {
            if (which.test(id)) {
                sink.accept(vocabulary.text(id), id);
            }
        }
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
