package io.jllm.tokenizer.subword;

import io.jllm.ModelLoadException;
import io.jllm.tokenizer.split.Behavior;
import io.jllm.tokenizer.split.Expression;
import io.jllm.tokenizer.split.SplitStep;
import io.jllm.tokenizer.split.Splitting;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What a {@code tokenizer.ggml.pre} name stands for: regular expressions, applied one after the other to what the one before
 * left in one piece. Source: the table of llama.cpp ({@code llama-vocab.cpp}); those listed give its ids.
 *
 * @param expressions each match, and each stretch between matches, is a piece
 * @param ignoreMerges whether a piece that is a token is taken whole, whatever the merges make of it
 * @param addsBos whether a prompt gets a beginning-of-sequence token where the file does not say
 */
public record PreTokenizer(List<String> expressions, boolean ignoreMerges, boolean addsBos) {
    /** English contractions, written out. */
    public static final String CONTRACTIONS = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
    private static final String TAIL = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /** What GPT-2 splits by, which is what {@code ByteLevel} of a {@code tokenizer.json} means. */
    public static final String GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";
    private static final String LLAMA3 = CONTRACTIONS
            + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" + TAIL;
    private static final String QWEN2 = CONTRACTIONS
            + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" + TAIL;
    private static final String QWEN35 = CONTRACTIONS
            + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" + TAIL;

    private static final String SEED = CONTRACTIONS
            + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" + TAIL;
    private static final String MINICPM = CONTRACTIONS
            + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}+| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" + TAIL;
    private static final String DEEPSEEK = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
            + "|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+";
    private static final String NOT_LOWER = "[\\p{L}&&[^a-z]]";
    private static final String NOT_UPPER = "[\\p{L}&&[^A-Z]]";
    private static final String BEFORE_WORD = "[^\\r\\n\\p{L}\\p{N}]?";
    private static final String TEKKEN = BEFORE_WORD + NOT_LOWER + "*" + NOT_UPPER + "+|" + BEFORE_WORD + NOT_LOWER + "+" + NOT_UPPER
            + "*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" + TAIL;
    private static final String GPT4O = BEFORE_WORD + NOT_LOWER + "*" + NOT_UPPER + "+" + CONTRACTIONS + "?|" + BEFORE_WORD + NOT_LOWER
            + "+" + NOT_UPPER + "*" + CONTRACTIONS + "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" + TAIL;

    private static final Map<String, PreTokenizer> KNOWN = known();

    private static Map<String, PreTokenizer> known() {
        Map<String, PreTokenizer> table = new TreeMap<>();
        put(table, new PreTokenizer(
                List.of("[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"), false, false), "default");
        put(table, new PreTokenizer(List.of("[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"), false, false), "falcon");
        put(table, new PreTokenizer(List.of(GPT2), false, false),
                "gpt-2", "phi-2", "mpt", "olmo", "jais", "gigachat", "a.x-4.0", "mellum", "trillion", "granite-docling", "exaone4");
        put(table, new PreTokenizer(List.of("\\p{N}", GPT2), false, false),
                "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2");
        put(table, new PreTokenizer(List.of(LLAMA3), true, true),
                "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2");
        put(table, new PreTokenizer(List.of(LLAMA3), false, false), "dbrx", "smaug-bpe", "glm4", "chatglm-bpe");
        put(table, new PreTokenizer(List.of(QWEN2), false, false),
                "qwen2", "deepseek-r1-qwen", "stablelm2", "megrez", "hunyuan", "grok-2", "kormo", "solar-open");
        put(table, new PreTokenizer(List.of(QWEN35), false, false), "qwen35");
        put(table, new PreTokenizer(List.of(SEED), false, false), "seed-coder");
        put(table, new PreTokenizer(List.of("\\p{N}{1,3}", MINICPM), true, false), "minicpm5");
        put(table, new PreTokenizer(List.of("\\p{N}{1,3}", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+", DEEPSEEK), false, false),
                "deepseek-v3", "hunyuan-dense", "joyai-llm");
        put(table, new PreTokenizer(List.of(TEKKEN), true, true), "tekken");
        put(table, new PreTokenizer(List.of(GPT4O), false, false), "gpt-4o", "llama4", "kanana2", "minimax-m2");
        return table;
    }

    private static void put(Map<String, PreTokenizer> table, PreTokenizer value, String... names) {
        for (String name : names) {
            table.put(name, value);
        }
    }

    /** How it cuts a text, and writes the pieces in the byte-level alphabet. */
    public Splitting splitting() {
        List<SplitStep> steps = new ArrayList<>();
        expressions.forEach(e -> steps.add(Behavior.ISOLATED.of(Expression.of(e))));
        steps.add((text, first, sink) -> sink.piece(Pieces.written(text), first));
        return new Splitting(steps);
    }

    /** By name; an unknown one is an error that lists those known. */
    public static PreTokenizer named(String name) {
        PreTokenizer found = KNOWN.get(name);
        if (found == null) {
            throw new ModelLoadException("metadata tokenizer.ggml.pre is \"" + name + "\", a pre-tokenizer that is not known here; "
                    + "known are " + String.join(", ", names()));
        }
        return found;
    }

    /** All known names, in order. */
    public static SortedSet<String> names() {
        return new TreeSet<>(KNOWN.keySet());
    }
}
