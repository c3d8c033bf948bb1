package io.jllm.tokenizer;

import io.jllm.tokenizer.GgufVocabulary.Kind;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * Finds the tokens that end a generation, in a GGUF file's keys and by how they are written, and mends the kinds of tokens that
 * files get wrong. Source of the lists: llama.cpp ({@code llama-vocab.cpp}).
 */
final class EndTokens {
    private static final List<String> KEYS = List.of("tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id",
            "tokenizer.ggml.fim_pad_token_id", "tokenizer.ggml.fim_rep_token_id", "tokenizer.ggml.fim_sep_token_id");

    private static final List<String> WRITTEN = List.of("<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>",
            "<|flush|>", "<|calls|>", "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
            "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>", "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",
            "[e~[");

    /** Ends of files and repositories in models of code: a fill in the middle ends there. Looked for where no key names one. */
    private static final List<List<String>> FILL_IN_THE_MIDDLE = List.of(
            List.of("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"),
            List.of("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"),
            List.of("<|file_sep|>"));

    private EndTokens() {
    }

    /** The ids, and the end-of-sequence token among them. */
    static Set<Integer> find(GgufVocabulary vocabulary, OptionalInt eos) {
        Set<Integer> ends = new TreeSet<>();
        eos.ifPresent(ends::add);
        for (int i = 0; i < KEYS.size(); i++) {
            OptionalInt named = vocabulary.idAt(KEYS.get(i));
            named.ifPresent(ends::add);
            if (i >= 2 && named.isEmpty()) {
                FILL_IN_THE_MIDDLE.get(i - 2).stream().map(vocabulary::id).flatMapToInt(OptionalInt::stream).findFirst()
                        .ifPresent(id -> addControl(vocabulary, ends, id));
            }
        }
        for (String text : WRITTEN) {
            vocabulary.id(text).ifPresent(id -> addControl(vocabulary, ends, id));
        }
        harmony(vocabulary, ends);
        return ends;
    }

    private static void addControl(GgufVocabulary vocabulary, Set<Integer> ends, int id) {
        vocabulary.setKind(id, Kind.CONTROL);
        ends.add(id);
    }

    /** In vocabularies that mark channels and calls, the marks are text to be read, and {@code <|end|>} ends only a message. */
    private static void harmony(GgufVocabulary vocabulary, Set<Integer> ends) {
        for (String text : List.of("<|channel|>", "<|message|>", "<|start|>", "<|constrain|>")) {
            vocabulary.id(text).ifPresent(id -> vocabulary.setKind(id, Kind.USER_DEFINED));
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
