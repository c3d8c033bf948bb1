package io.jllm.tokenizer.source;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * {@code vocab.json} and {@code merges.txt}, the form of GPT-2 and those after it: byte-level BPE, cut by what the class of the tokenizer
 * cuts by. Source: transformers 5 ({@code GPT2Tokenizer}, {@code CodeGenTokenizer}, {@code Qwen2Tokenizer}).
 */
final class MergesFiles {
    private static final String VOCAB = "vocab.json";
    private static final String MERGES = "merges.txt";
    private static final String END = "<|endoftext|>";

    /**
     * What a class of tokenizers does.
     *
     * @param composes whether texts are brought into the form NFC
     * @param expression what they are cut by; none for GPT-2's, which goes without saying
     * @param roles its special tokens where the files name none
     */
    private record Kind(boolean composes, String expression, Map<String, String> roles) {
    }

    private static final Kind GPT2 = new Kind(false, "", Map.of("bos_token", END, "eos_token", END, "unk_token", END));
    private static final Kind QWEN2 = new Kind(true, TiktokenFile.EXPRESSION, Map.of("eos_token", END, "pad_token", END, "unk_token", END));
    private static final Map<String, Kind> KINDS = Map.of("GPT2Tokenizer", GPT2, "CodeGenTokenizer", GPT2, "Qwen2Tokenizer", QWEN2);

    private MergesFiles() {
    }

    static boolean areIn(Path folder) {
        return Files.exists(folder.resolve(VOCAB), LinkOption.NOFOLLOW_LINKS) && Files.exists(folder.resolve(MERGES), LinkOption.NOFOLLOW_LINKS);
    }

    static TokenizerSource read(Path folder, SpecialTokens special) {
        Path file = folder.resolve(VOCAB);
        Kind kind = kind(folder, special);
        JsonObject vocab = ConfigJson.read(file, SourceFiles.MAX_BYTES).orElseThrow(() -> new ModelLoadException(file
                + " is a link that leads nowhere: download the file that it stands for")).json();
        JsonArray merges = new JsonArray();
        List<String> lines = SourceFiles.lines(folder.resolve(MERGES));
        lines.stream().skip(!lines.isEmpty() && lines.getFirst().startsWith("#version") ? 1 : 0).filter(line -> !line.isBlank())
                .forEach(merges::add);
        boolean prefix = special.flag("add_prefix_space");
        var json = ByteLevelJson.of(file, vocab, merges, false, kind.expression, prefix, kind.composes);
        return new TokenizerSource.Json(file, json, special.orElse(kind.roles), List.of());
    }

    private static Kind kind(Path folder, SpecialTokens special) {
        var named = special.tokenizerClass();
        if (named.isEmpty()) {
            return SourceFiles.modelType(folder).filter(type -> type.startsWith("qwen")).isPresent() ? QWEN2 : GPT2;
        }
        Kind kind = KINDS.get(named.get().replaceFirst("Fast$", ""));
        if (kind == null) {
            throw new ModelLoadException(folder.resolve("tokenizer_config.json") + ": tokenizer_class is \"" + named.get() + "\", which is not known "
                    + "here for vocab.json with merges.txt; known are " + String.join(", ", new TreeSet<>(KINDS.keySet()))
                    + ": download tokenizer.json too");
        }
        return kind;
    }
}
