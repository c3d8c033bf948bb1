package io.jllm.tokenizer.source;

import io.jllm.ModelLoadException;
import io.jllm.tokenizer.sentencepiece.SentencePieceModel;
import io.jllm.tokenizer.subword.AddedToken;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a class of tokenizers does around its SentencePiece model, {@code tokenizer.model}. Source: the classes of transformers, and the code
 * that lies in the folders of others.
 *
 * @param addsBos whether a prompt gets a beginning-of-sequence token, where {@code add_bos_token} does not say
 * @param before tokens that go before a prompt besides, as they are written
 */
public record PieceClass(boolean addsBos, List<String> before) {
    static final String FILE = "tokenizer.model";

    private static final PieceClass LLAMA = new PieceClass(true, List.of());
    private static final PieceClass PLAIN = new PieceClass(false, List.of());
    private static final PieceClass CHATGLM = new PieceClass(false, List.of("[gMASK]", "sop"));
    private static final Map<String, PieceClass> KNOWN = new TreeMap<>(Map.of("LlamaTokenizer", LLAMA, "CodeLlamaTokenizer", LLAMA,
            "GemmaTokenizer", LLAMA, "InternLMTokenizer", LLAMA, "InternLM2Tokenizer", LLAMA, "BaichuanTokenizer", LLAMA,
            "Ernie4_5_Tokenizer", PLAIN, "ChatGLMTokenizer", CHATGLM));

    /** Tokens that ChatGLM numbers after those of its model, and the roles that its third version has besides. */
    private static final List<String> CHATGLM_TOKENS = List.of("[MASK]", "[gMASK]", "[sMASK]", "sop", "eop");
    private static final String CHATGLM_USER = "<|user|>";
    private static final List<String> CHATGLM_ROLES = List.of("<|system|>", CHATGLM_USER, "<|assistant|>", "<|observation|>");
    private static final Pattern RANKS = Pattern.compile("[A-Za-z0-9+/]+={0,2} \\d+\\R", Pattern.UNICODE_CHARACTER_CLASS);

    static TokenizerSource read(Path folder, SpecialTokens special) {
        Path file = folder.resolve(FILE);
        PieceClass kind = kind(folder, special);
        byte[] bytes = SourceFiles.bytes(file);
        if (RANKS.matcher(new String(bytes, 0, Math.min(bytes.length, 80), StandardCharsets.ISO_8859_1)).lookingAt()) {
            throw new ModelLoadException(file + " is a tiktoken vocabulary and no SentencePiece model; of those only " + TiktokenFile.NAME
                    + " is known here: download tokenizer.json too");
        }
        SentencePieceModel model = SentencePieceModel.read(file.toString(), bytes);
        Map<String, String> roles = new HashMap<>();
        role(roles, "bos_token", model, model.bos());
        role(roles, "eos_token", model, model.eos());
        role(roles, "unk_token", model, model.unknown());
        SpecialTokens all = special.orElse(roles);
        if (kind != CHATGLM) {
            return new TokenizerSource.Pieces(file, model, kind, all, List.of());
        }
        boolean roled = hasRoles(folder);
        var texts = Stream.concat(CHATGLM_TOKENS.stream(), roled ? CHATGLM_ROLES.stream() : Stream.of()).toList();
        List<AddedToken> decoder = new ArrayList<>();
        texts.forEach(text -> decoder.add(new AddedToken(model.pieces().size() + decoder.size(), text, true, false, false,
                Character.isLetter(text.charAt(0)), false))); // sop is not to be found in philosophers
        decoder.addAll(all.decoder());
        return new TokenizerSource.Pieces(file, model, kind, new SpecialTokens(decoder, all.named(), all.extra(), all.config()),
                roled ? List.of(CHATGLM_USER, "<|observation|>") : List.of());
    }

    private static PieceClass kind(Path folder, SpecialTokens special) {
        String name = special.tokenizerClass().or(() -> SourceFiles.modelType(folder).map(PieceClass::classOf)).orElse("LlamaTokenizer");
        PieceClass kind = KNOWN.get(name.replaceFirst("Fast$", ""));
        if (kind == null) {
            throw new ModelLoadException(folder.resolve("tokenizer_config.json") + ": tokenizer_class is \"" + name + "\", which is not known "
                    + "here for " + FILE + "; known are " + String.join(", ", KNOWN.keySet()) + ": download tokenizer.json too");
        }
        return kind;
    }

    /** For folders that name none. */
    private static String classOf(String modelType) {
        return switch (modelType) {
            case "chatglm" -> "ChatGLMTokenizer";
            case "ernie4_5" -> "Ernie4_5_Tokenizer";
            default -> "LlamaTokenizer";
        };
    }

    private static void role(Map<String, String> roles, String name, SentencePieceModel model, int id) {
        if (id >= 0) {
            roles.put(name, model.pieces().get(id).text());
        }
    }

    /** The second and the third version call their classes the same; only the code of the third speaks of roles. */
    private static boolean hasRoles(Path folder) {
        Path code = folder.resolve("tokenization_chatglm.py");
        return !Files.exists(code) || new String(SourceFiles.bytes(code), StandardCharsets.UTF_8).contains(CHATGLM_USER);
    }
}
