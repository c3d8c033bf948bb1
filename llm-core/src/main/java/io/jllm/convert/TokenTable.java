package io.jllm.convert;

import io.jllm.quant.gguf.GgufValue;
import io.jllm.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** Tokens and their types, one for each row of the embedding table, as GGUF files list them. Types are llama.cpp's. */
final class TokenTable {
    static final int NORMAL = 1;
    static final int UNKNOWN = 2;
    static final int CONTROL = 3;
    static final int USER_DEFINED = 4;
    static final int UNUSED = 5;
    static final int BYTE = 6;

    private final String[] tokens;
    private final int[] types;
    private final Map<String, Integer> ids = new HashMap<>();
    private int beyond;

    TokenTable(int rows) {
        tokens = new String[rows];
        types = new int[rows];
    }

    int rows() {
        return tokens.length;
    }

    /** Puts a token in its row, unless that is past the end; what stood there goes. */
    void put(int id, String token, int type) {
        if (id >= tokens.length) {
            beyond++;
            return;
        }
        if (tokens[id] != null) {
            ids.remove(tokens[id], id);
        }
        tokens[id] = token;
        types[id] = type;
        ids.put(token, id);
    }

    /** Puts one that was added to a vocabulary. */
    void putAdded(int id, Tokenizer tokenizer) {
        put(id, tokenizer.token(id), tokenizer.isSpecial(id) ? CONTROL : USER_DEFINED);
    }

    /** Names the rows that have no token, and those whose token another row has. */
    void fill() {
        for (int id = 0; id < tokens.length; id++) {
            if (tokens[id] == null || ids.merge(tokens[id], id, (owner, _) -> owner) != id) {
                tokens[id] = padding(id);
                types[id] = UNUSED;
            }
        }
    }

    /** What a row without a token is called. */
    static String padding(int id) {
        return "[PAD" + id + "]";
    }

    /** How many tokens had no row. */
    int beyond() {
        return beyond;
    }

    /** The id of a token, null if there is none. */
    Integer id(String token) {
        return ids.get(token);
    }

    String token(int id) {
        return tokens[id];
    }

    int type(int id) {
        return types[id];
    }

    void setType(int id, int type) {
        types[id] = type;
    }

    /** Tokens and types as keys, without what they begin with. */
    Map<String, GgufValue> keys() {
        Map<String, GgufValue> keys = new LinkedHashMap<>();
        keys.put("tokens", new GgufValue.Texts(Arrays.asList(tokens)));
        keys.put("token_type", new GgufValue.Ints(GgufValue.Type.INT32, Arrays.stream(types).asLongStream().toArray()));
        return keys;
    }
}
