package io.jllm.tokenizer.source;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.tokenizer.subword.AddedToken;
import io.jllm.tokenizer.subword.Pieces;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * {@code qwen.tiktoken}, the vocabulary of the first Qwen: a line for each token, its bytes in base 64 and its rank, which is its id. The merge
 * that makes a token is the last of those that merging by rank makes of its bytes. Special tokens and the expression are those of the code
 * that lies in its folders ({@code tokenization_qwen.py}).
 */
final class TiktokenFile {
    static final String NAME = "qwen.tiktoken";
    /** What this and the later Qwen cut texts by. */
    static final String EXPRESSION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+"
            + "|\\s+(?!\\S)|\\s+";

    private static final String CLASS = "QWenTokenizer";
    private static final String END_OF_TEXT = "<|endoftext|>";
    private static final String END_OF_MESSAGE = "<|im_end|>";
    private static final int EXTRAS = 205;
    private static final int NONE = -1;
    /** Bytes of the longest token there may be: the work grows as the square of it. */
    private static final int MAX_TOKEN = 1024;
    private static final int SHOWN = 80;

    private TiktokenFile() {
    }

    static TokenizerSource read(Path folder, SpecialTokens special) {
        Path file = folder.resolve(NAME);
        special.tokenizerClass().filter(name -> !name.equals(CLASS)).ifPresent(name -> {
            throw new ModelLoadException(folder.resolve("tokenizer_config.json") + ": tokenizer_class is \"" + name + "\", which is not "
                    + "known here for " + NAME + "; known is " + CLASS);
        });
        String[] tokens = tokens(file);
        Map<String, Integer> ranks = new HashMap<>();
        JsonObject vocab = new JsonObject();
        for (int rank = 0; rank < tokens.length; rank++) {
            if (ranks.put(tokens[rank], rank) != null) {
                throw new ModelLoadException(file + " has the token " + tokens[rank] + " twice, of rank " + ranks.get(tokens[rank]) + " too");
            }
            vocab.addProperty(tokens[rank], rank);
        }
        JsonArray merges = new JsonArray();
        boolean whole = false;
        for (int rank = 0; rank < tokens.length; rank++) {
            String token = tokens[rank];
            int last = token.length() > 1 ? cut(token, rank, ranks) : 0;
            if (last > 0) {
                merges.add(token.substring(0, last) + " " + token.substring(last));
            } else if (last == NONE) { // comes of pieces that are just that, and of what merges of later ranks make
                whole = true;
                IntStream.range(1, token.length()).filter(c -> ranks.containsKey(token.substring(0, c)) && ranks.containsKey(token.substring(c)))
                        .forEach(c -> merges.add(token.substring(0, c) + " " + token.substring(c)));
            }
        }
        var json = ByteLevelJson.of(file, vocab, merges, whole, EXPRESSION, false, true);
        return new TokenizerSource.Json(file, json, withSpecial(special, tokens.length), List.of(END_OF_TEXT, END_OF_MESSAGE));
    }

    /** By rank, each written in the byte-level alphabet. */
    private static String[] tokens(Path file) {
        List<String> lines = SourceFiles.lines(file).stream().filter(line -> !line.isBlank()).toList();
        String[] tokens = new String[lines.size()];
        for (String line : lines) {
            int space = line.indexOf(' ');
            try {
                int rank = Integer.parseInt(line.substring(space + 1).strip());
                byte[] bytes = Base64.getDecoder().decode(line.substring(0, Math.max(space, 0)));
                if (rank < 0 || rank >= tokens.length || tokens[rank] != null || bytes.length == 0 || bytes.length > MAX_TOKEN) {
                    throw new ModelLoadException(file + " has the line \"" + shown(line) + "\": ranks must be 0 to " + (tokens.length - 1)
                            + ", each once, and tokens of 1 to " + MAX_TOKEN + " bytes");
                }
                tokens[rank] = Pieces.written(bytes);
            } catch (IllegalArgumentException e) {
                throw new ModelLoadException(file + " has the line \"" + shown(line) + "\": it must be a token in base 64, a space, and its rank", e);
            }
        }
        if (tokens.length == 0) {
            throw new ModelLoadException(file + " is empty: a tokenizer needs tokens");
        }
        return tokens;
    }

    private static String shown(String line) {
        return line.length() <= SHOWN ? line : line.substring(0, SHOWN) + "...";
    }

    /** Where the two parts meet that a token is merged of at last; {@link #NONE} if merging ends with more. */
    private static int cut(String token, int rank, Map<String, Integer> ranks) {
        int[] starts = IntStream.rangeClosed(0, token.length()).toArray();
        int parts = token.length();
        while (parts > 2) {
            int best = NONE;
            int bestRank = rank;
            for (int i = 0; i + 1 < parts; i++) {
                int r = ranks.getOrDefault(token.substring(starts[i], starts[i + 2]), rank);
                if (r < bestRank) {
                    best = i;
                    bestRank = r;
                }
            }
            if (best == NONE) {
                return NONE;
            }
            System.arraycopy(starts, best + 2, starts, best + 1, parts - best - 1);
            parts--;
        }
        boolean known = ranks.containsKey(token.substring(0, starts[1])) && ranks.containsKey(token.substring(starts[1]));
        return known ? starts[1] : NONE;
    }

    /** The marks of messages and 205 tokens to spare, numbered after the others. */
    private static SpecialTokens withSpecial(SpecialTokens special, int from) {
        List<String> texts = new ArrayList<>(Arrays.asList(END_OF_TEXT, "<|im_start|>", END_OF_MESSAGE));
        IntStream.range(0, EXTRAS).forEach(i -> texts.add("<|extra_" + i + "|>"));
        List<AddedToken> decoder = new ArrayList<>();
        texts.forEach(text -> decoder.add(AddedToken.special(text).withId(from + decoder.size())));
        decoder.addAll(special.decoder());
        return new SpecialTokens(decoder, special.named(), special.extra(), special.config());
    }
}
