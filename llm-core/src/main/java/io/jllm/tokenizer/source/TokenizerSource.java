package io.jllm.tokenizer.source;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.tokenizer.sentencepiece.SentencePieceModel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What a folder's tokenizer is made of: {@code tokenizer.json}, or where there is none {@code qwen.tiktoken}, {@code tokenizer.model},
 * {@code spiece.model}, or {@code vocab.json} with {@code merges.txt}, and what the files beside it say.
 */
public sealed interface TokenizerSource {
    /** The file that holds the tokens, for messages. */
    Path file();

    /** What {@code tokenizer_config.json} and its kin say of tokens, and what the class of the tokenizer has where they say nothing. */
    SpecialTokens special();

    /** Tokens, as they are written, that end a generation besides those that configurations name. */
    List<String> ends();

    /** A {@code tokenizer.json}, or other files put in its form. */
    record Json(Path file, ConfigJson json, SpecialTokens special, List<String> ends) implements TokenizerSource {
    }

    /** A SentencePiece model, and what the class of its tokenizer does around it. */
    record Pieces(Path file, SentencePieceModel model, PieceClass kind, SpecialTokens special, List<String> ends)
            implements TokenizerSource {
        /** Whether a space goes before a text: the model says so, and no configuration otherwise. */
        public boolean spacePrefix() {
            return model.dummyPrefix() && special.config().flatMap(c -> c.bool("add_prefix_space")).orElse(true);
        }

        /** Whether an end-of-sequence token goes behind a prompt. */
        public boolean addsEos() {
            return special.config().flatMap(c -> c.bool("add_eos_token")).orElse(kind.addsEos());
        }
    }

    /** Whether the folder has any of the files; a link that leads nowhere is there, and says so when it is read. */
    static boolean isIn(Path folder) {
        return has(folder, "tokenizer.json") || has(folder, TiktokenFile.NAME) || pieces(folder).isPresent() || MergesFiles.areIn(folder);
    }

    /** The folder's. */
    static TokenizerSource read(Path folder) {
        Path json = folder.resolve("tokenizer.json");
        SpecialTokens special = SpecialTokens.read(folder);
        if (has(folder, "tokenizer.json")) {
            return new Json(json, ConfigJson.read(json, SourceFiles.MAX_BYTES).orElseThrow(() -> new ModelLoadException(json
                    + " is a link that leads nowhere: download the file that it stands for")), special, List.of());
        }
        if (has(folder, TiktokenFile.NAME)) {
            return TiktokenFile.read(folder, special);
        }
        Optional<Path> pieces = pieces(folder);
        if (pieces.isPresent()) {
            return PieceClass.read(pieces.get(), special);
        }
        if (MergesFiles.areIn(folder)) {
            return MergesFiles.read(folder, special);
        }
        throw new ModelLoadException(json + " is missing, and so are " + TiktokenFile.NAME + ", " + String.join(", ", PieceClass.FILES)
                + ", and vocab.json with merges.txt, of which a tokenizer could be made: download them too");
    }

    /** A SentencePiece model. */
    private static Optional<Path> pieces(Path folder) {
        return PieceClass.FILES.stream().filter(name -> has(folder, name)).map(folder::resolve).findFirst();
    }

    private static boolean has(Path folder, String name) {
        return Files.exists(folder.resolve(name), LinkOption.NOFOLLOW_LINKS);
    }
}
