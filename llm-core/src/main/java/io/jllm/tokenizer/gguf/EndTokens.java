package io.jllm.tokenizer.gguf;

import io.jllm.tokenizer.gguf.GgufVocabulary.Kind;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * Finds the tokens that end a generation, in a GGUF file's keys and by how they are written, and mends the kinds of tokens that
 * files get wrong. Source of the lists: llama.cpp ({@code llama-vocab.cpp}).
 */
final class EndTokens {
    private static final List<String> KEYS = List.of("eot_token_id", "eom_token_id");

    private static final List<String> WRITTEN = List.of("<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>",
            "<|flush|>", "<|calls|>", "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
            "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>", "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",
            "[e~[");

    /**
     * A mark in models of code, which fill in the middle of a file.
     *
     * @param ends whether the filling ends there, where a key names it: models that were never taught to fill have such tokens too
     * @param keys that name it; where none does, it is looked for by how it is written
     */
    private record Mark(boolean ends, List<String> keys, List<String> written) {
    }

    private static final List<Mark> MARKS = List.of(
            new Mark(false, List.of("fim_pre_token_id", "prefix_token_id"), List.of("<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>",
                    "<\uFF5Cfim\u2581begin\uFF5C>", "<PRE>", "\u2581<PRE>", "<|code_prefix|>", "<|prefix|>")),
            new Mark(false, List.of("fim_suf_token_id", "suffix_token_id"), List.of("<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>",
                    "<\uFF5Cfim\u2581hole\uFF5C>", "<SUF>", "\u2581<SUF>", "<|code_suffix|>", "<|suffix|>")),
            new Mark(false, List.of("fim_mid_token_id", "middle_token_id"), List.of("<|fim_middle|>", "<fim-middle>", "<fim_middle>",
                    "<\uFF5Cfim\u2581end\uFF5C>", "<MID>", "\u2581<MID>", "<|code_middle|>", "<|middle|>")),
            new Mark(true, List.of("fim_pad_token_id"), List.of("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]")),
            new Mark(true, List.of("fim_rep_token_id"), List.of("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>")),
            new Mark(true, List.of("fim_sep_token_id"), List.of("<|file_sep|>")));

    private EndTokens() {
    }

    /** The ids, and the end-of-sequence token among them. */
    static Set<Integer> find(GgufVocabulary vocabulary, OptionalInt eos) {
        Set<Integer> ends = new TreeSet<>();
        eos.ifPresent(ends::add);
        KEYS.forEach(key -> vocabulary.idAt("tokenizer.ggml." + key).ifPresent(ends::add));
        for (Mark mark : MARKS) {
            List<Integer> named = mark.keys.stream().map(key -> vocabulary.idAt("tokenizer.ggml." + key))
                    .flatMapToInt(OptionalInt::stream).boxed().toList();
            if (mark.ends) {
                ends.addAll(named);
            }
            if (named.isEmpty()) {
                mark.written.stream().map(vocabulary::id).flatMapToInt(OptionalInt::stream).findFirst()
                        .ifPresent(id -> vocabulary.setKind(id, Kind.CONTROL));
            }
        }
        for (String text : WRITTEN) {
            vocabulary.id(text).ifPresent(id -> {
                vocabulary.setKind(id, Kind.CONTROL);
                ends.add(id);
            });
        }
        harmony(vocabulary, ends);
        return ends;
    }

    /** In vocabularies that mark channels and calls, the marks are text to be read, and {@code <|end|>} ends only a message. */
    private static void harmony(GgufVocabulary vocabulary, Set<Integer> ends) {
        for (String text : List.of("<|channel|>", "<|message|>", "<|start|>", "<|constrain|>")) {
            vocabulary.id(text).ifPresent(id -> vocabulary.setKind(id, Kind.USER_DEFINED));
        }
        if (has(vocabulary, "<|tool_response>")) { // of Gemma 4, where this is no end, but a word
            vocabulary.id("</s>").ifPresent(id -> {
                ends.remove(id);
                vocabulary.setKind(id, Kind.NORMAL);
            });
        }
        boolean calls = has(vocabulary, "<|call|>") || has(vocabulary, "<|calls|>");
        OptionalInt end = vocabulary.id("<|end|>");
        if (end.isPresent() && calls && (has(vocabulary, "<|return|>") || has(vocabulary, "<|flush|>"))) {
            ends.remove(end.getAsInt());
            vocabulary.setKind(end.getAsInt(), Kind.USER_DEFINED);
        }
    }

    private static boolean has(GgufVocabulary vocabulary, String text) {
        return vocabulary.id(text).isPresent();
    }
}
