package io.jllm.tokenizer.gguf;

import io.jllm.ModelLoadException;
import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.tokenizer.subword.Pieces;
import io.jllm.tokenizer.subword.ScoredMerges;
import io.jllm.tokenizer.subword.TextIndex;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * The {@code tokenizer.ggml.*} keys of a GGUF file, checked. Source: the GGUF specification, and llama.cpp for what it leaves
 * open.
 */
final class GgufVocabulary implements ScoredMerges.Tokens {
    static final String TOKENS = "tokenizer.ggml.tokens";
    static final String TYPES = "tokenizer.ggml.token_type";
    static final String SCORES = "tokenizer.ggml.scores";
    static final String MERGES = "tokenizer.ggml.merges";

    private static final System.Logger LOG = System.getLogger("io.jllm");
    /** What bytes that are no UTF-8 are read as. */
    private static final char NOT_UTF8 = '\uFFFD';

    /** In the order of their numbers in the file. */
    enum Kind {
        UNDEFINED, NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE
    }

    private final GgufMetadata metadata;
    private final String[] texts;
    private final Kind[] kinds;
    private final TextIndex ids;

    GgufVocabulary(GgufMetadata metadata) {
        this.metadata = metadata;
        List<String> tokens = metadata.texts(TOKENS).orElseThrow(() -> missing(TOKENS, "the list of tokens"));
        if (tokens.isEmpty()) {
            throw new ModelLoadException("metadata " + TOKENS + " is empty: a tokenizer needs tokens");
        }
        texts = new String[tokens.size()];
        ids = new TextIndex(texts);
        for (int id = 0; id < texts.length; id++) {
            String text = tokens.get(id).isEmpty() ? "[EMPTY_" + id + "]" : tokens.get(id);
            texts[id] = text;
            int before = ids.add(id);
            if (before >= 0 && text.indexOf(NOT_UTF8) < 0) { // tokens that are parts of characters look alike, and are found by id only
                throw new ModelLoadException("metadata " + TOKENS + " has \"" + text + "\" twice, as token " + before + " and "
                        + id + ": the file is broken");
            }
        }
        kinds = kinds();
    }

    private Kind[] kinds() {
        Kind[] result = new Kind[texts.length];
        Arrays.fill(result, Kind.NORMAL);
        long[] numbers = metadata.integers(TYPES).orElse(null);
        if (numbers == null) {
            return result;
        }
        checkLength(TYPES, numbers.length);
        for (int id = 0; id < numbers.length; id++) {
            if (numbers[id] < 0 || numbers[id] >= Kind.values().length) {
                throw new ModelLoadException("metadata " + TYPES + " is " + numbers[id] + " for token " + id
                        + ": types are 0 to " + (Kind.values().length - 1));
            }
            result[id] = Kind.values()[(int) numbers[id]];
            if (result[id] == Kind.BYTE && !Pieces.isByte(texts[id])) {
                throw new ModelLoadException("metadata " + TYPES + " says that token " + id + " is a byte, but it is written \""
                        + texts[id] + "\" and not as <0x00> to <0xFF>");
            }
        }
        return result;
    }

    private void checkLength(String key, int length) {
        if (length != texts.length) {
            throw new ModelLoadException("metadata " + key + " has " + length + " entries, but " + TOKENS + " has "
                    + texts.length + ": they go together, one for one");
        }
    }

    static ModelLoadException missing(String key, String what) {
        return new ModelLoadException("metadata " + key + ", " + what + ", is missing: the file has no tokenizer that works");
    }

    @Override
    public int size() {
        return texts.length;
    }

    @Override
    public String text(int id) {
        return texts[id];
    }

    Kind kind(int id) {
        return kinds[id];
    }

    void setKind(int id, Kind kind) {
        kinds[id] = kind;
    }

    /** The id of a token by how it is written. */
    OptionalInt id(String text) {
        int id = ids.find(text);
        return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
    }

    @Override
    public boolean isText(int id) {
        return switch (kinds[id]) {
            case NORMAL, USER_DEFINED, UNUSED, UNDEFINED -> true;
            case UNKNOWN, CONTROL, BYTE -> false;
        };
    }

    @Override
    public boolean isByte(int id) {
        return Pieces.isByte(texts[id]);
    }

    @Override
    public int textId(String text) {
        int id = ids.find(text);
        return id >= 0 && isText(id) ? id : -1;
    }

    /** The token id under a key, such as {@code tokenizer.ggml.bos_token_id}; one that is no token is as good as none, as llama.cpp has it. */
    OptionalInt idAt(String key) {
        var value = metadata.integer(key);
        if (value.isPresent() && (value.getAsLong() < 0 || value.getAsLong() >= texts.length)) {
            LOG.log(System.Logger.Level.WARNING, "metadata {0} is {1}, but token ids are 0 to {2}: it is ignored", key,
                    String.valueOf(value.getAsLong()), String.valueOf(texts.length - 1));
            return OptionalInt.empty();
        }
        return value.isEmpty() ? OptionalInt.empty() : OptionalInt.of((int) value.getAsLong());
    }

    /** The same; a file that names none means the one that models of its kind have. */
    OptionalInt idAt(String key, int usual) {
        OptionalInt id = idAt(key);
        return id.isEmpty() && usual < texts.length ? OptionalInt.of(usual) : id;
    }

    /** One number for each token: the higher, the sooner it is merged, or the likelier it is. Without any, all are equal. */
    double[] scores() {
        double[] scores = switch (metadata.entries().get(SCORES)) {
            case null -> new double[texts.length];
            case GgufValue.Ints i -> Arrays.stream(i.values()).asDoubleStream().toArray();
            default -> metadata.reals(SCORES).orElseThrow();
        };
        checkLength(SCORES, scores.length);
        return scores;
    }

    /** Pairs of tokens, best first, as they stand in the file. */
    List<String> merges() {
        return metadata.texts(MERGES).orElseThrow(() -> missing(MERGES, "the list of merges"));
    }
}
