package io.jllm.tokenizer.pre;

import static io.jllm.tokenizer.pre.SplitExpressions.*;

import io.jllm.tokenizer.pre.PreTokenizer.Bos;
import io.jllm.tokenizer.pre.PreTokenizer.Whole;
import io.jllm.tokenizer.pre.PreTokenizer.Writing;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** All names that {@code tokenizer.ggml.pre} may hold. Source: llama.cpp ({@code llama-vocab.cpp}). */
final class NamedPreTokenizers {
    static final Map<String, PreTokenizer> TABLE = table();

    private NamedPreTokenizers() {
    }

    private static Map<String, PreTokenizer> table() {
        Map<String, PreTokenizer> table = new HashMap<>();
        put(table, of(DEFAULT_SIGNS, GPT2, NUMBERS, THREE_DIGITS), "default");
        put(table, of(FALCON_SIGNS, GPT2, THREE_DIGITS), "falcon");
        put(table, of(GPT2), "gpt-2", "phi-2", "mpt", "olmo", "jais", "gigachat", "a.x-4.0", "mellum", "trillion", "granite-docling", "exaone4",
                "modern-bert", "roberta-bpe", "jina-es", "jina-de", "jina-v1-en", "jina-v2-es", "jina-v2-de", "jina-v2-code");
        put(table, of(NUMBER, GPT2), "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2");
        put(table, of(LLAMA3).taking(Whole.ALL).putting(Bos.UNLESS_TOLD),
                "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano");
        put(table, of(LLAMA3), "dbrx", "smaug-bpe", "glm4", "chatglm-bpe");
        put(table, of(JAIS2), "jais-2");
        put(table, of(QWEN2), "qwen2", "deepseek-r1-qwen", "stablelm2", "megrez", "hunyuan", "grok-2", "kormo", "solar-open", "f2llmv2");
        put(table, of(QWEN35), "qwen35");
        put(table, of(LINES, QWEN2), "laguna");
        put(table, of(SEED), "seed-coder");
        put(table, of(UP_TO_THREE_NUMBERS, MINICPM).taking(Whole.ALL), "minicpm5");
        put(table, of(BAILING), "bailingmoe", "bailingmoe2", "llada-moe");
        put(table, of(EXAONE_MOE), "exaone-moe");
        put(table, of(BREAK, DEEPSEEK_LETTERS, DEEPSEEK_SIGNS, SPACES_AT_END, DEEPSEEK_HAN, NUMBERS), "deepseek-llm");
        put(table, of(BREAK, LETTERS_AFTER_SPACE, PUNCTUATION_AFTER_SPACE, DEEPSEEK_HAN, NUMBER), "deepseek-coder");
        put(table, of(UP_TO_THREE_NUMBERS, DEEPSEEK3_HAN, DEEPSEEK3), "deepseek-v3", "hunyuan-dense", "joyai-llm");
        put(table, of(THREES_OF_NUMBERS, AFMOE_SCRIPTS, DEEPSEEK3), "afmoe");
        put(table, of(TEKKEN).taking(Whole.ALL).putting(Bos.UNLESS_TOLD), "tekken");
        put(table, of(GPT4O), "gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2");
        put(table, of(GPT4O_MARKS).taking(Whole.ALL), "granite-embed-multi-97m");
        put(table, of(THREES_OF_NUMBERS, TINY_AYA), "tiny_aya", "cohere2moe");
        put(table, of(YOUTU_SCRIPTS, YOUTU).taking(Whole.ALL), "youtu");
        put(table, of(KIMI), "kimi-k2");
        put(table, of(NUMBERS, THREES_OF_DIGITS), "superbpe");
        put(table, of(BLOOM), "bloom", "poro-chat", "gpt3-finnish");
        put(table, of(BLOOM, NUMBER), "viking");
        put(table, of(SENTINEL, IMAGE, TABS_AND_PAIRS, NUMBER, EACH_SIGN, GPT2).putting(Bos.UNLESS_TOLD), "chameleon");
        put(table, of(NOT_SPACE).written(Writing.TEXT), "whitespace");
        var lines = of(LINES).written(Writing.MARKED_TEXT);
        put(table, lines, "sarvam-moe");
        put(table, lines.taking(Whole.LINE_FEEDS).putting(Bos.ALWAYS), "gemma4", "granite-embed-multi-311m");
        return Map.copyOf(table);
    }

    private static PreTokenizer of(String... expressions) {
        return new PreTokenizer(List.of(expressions));
    }

    private static void put(Map<String, PreTokenizer> table, PreTokenizer value, String... names) {
        for (String name : names) {
            table.put(name, value);
        }
    }
}
