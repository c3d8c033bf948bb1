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
 * What a class of tokenizers does around its SentencePiece model, {@code tokenizer.model} or {@code spiece.model}. Source:
 * the classes of transformers, and the code that lies in the folders of others.
 *
 * @param addsBos whether a prompt gets a beginning-of-sequence token, where {@code add_bos_token} does not say
 * @param addsEos whether it gets an end-of-sequence token behind it, where {@code add_eos_token} does not say
 * @param before tokens that go before a prompt besides, as they are written
 */
public record PieceClass(boolean addsBos, boolean addsEos, List<String> before) {
    static final List<String> FILES = List.of("tokenizer.model", "spiece.model");

    private static final PieceClass LLAMA = new PieceClass(true, false, List.of());
    private static final PieceClass PLAIN = new PieceClass(false, false, List.of());
    private static final PieceClass T5 = new PieceClass(false, true, List.of());
    private static final PieceClass CHATGLM = new PieceClass(false, false, List.of("[gMASK]", "sop"));
    private static final Map<String, PieceClass> KNOWN = new TreeMap<>(Map.of("LlamaTokenizer", LLAMA, "CodeLlamaTokenizer", LLAMA,
            "GemmaTokenizer", LLAMA, "InternLMTokenizer", LLAMA, "InternLM2Tokenizer", LLAMA, "BaichuanTokenizer", LLAMA,
            "Ernie4_5_Tokenizer", PLAIN, "T5Tokenizer", T5, "ChatGLMTokenizer", CHATGLM));

    private static final String EXTRA_IDS = "extra_ids";
    private static final int USUAL_EXTRA_IDS = 100;
    private static final int MAX_EXTRA_IDS = 1 << 16;

    /** Tokens that ChatGLM numbers after those of its model, and the roles that its third version has besides. */
    private static final List<String> CHATGLM_TOKENS = List.of("[MASK]", "[gMASK]", "[sMASK]", "sop", "eop");
    private static final String CHATGLM_USER = "<|user|>";
    private static final List<String> CHATGLM_ROLES = List.of("<|system|>", CHATGLM_USER, "<|assistant|>", "<|observation|>");
    private static final Pattern RANKS = Pattern.compile("[A-Za-z0-9+/]+={0,2} \\d+\\R", Pattern.UNICODE_CHARACTER_CLASS);

    /** @param file one of {@link #FILES} */
    static TokenizerSource read(Path file, SpecialTokens special) {
        Path folder = file.getParent();
        PieceClass kind = kind(file, special);
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
        if (kind == T5) {
            return new TokenizerSource.Pieces(file, model, kind, withSentinels(all, model.pieces().size()), List.of());
        }
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

    /** The marks of gaps that T5 fills, {@code extra_ids} of them, numbered from the last one on after the pieces. */
    private static SpecialTokens withSentinels(SpecialTokens special, int from) {
        int count = special.config().filter(c -> c.has(EXTRA_IDS)).map(c -> c.integer(EXTRA_IDS, 0, MAX_EXTRA_IDS)).orElse(USUAL_EXTRA_IDS);
        List<AddedToken> decoder = new ArrayList<>();
        for (int i = count - 1; i >= 0; i--) {
            decoder.add(new AddedToken(from + decoder.size(), "<extra_id_" + i + ">", true, true, true, false, false));
        }
        decoder.addAll(special.decoder());
        return new SpecialTokens(decoder, special.named(), special.extra(), special.config());
    }

    private static PieceClass kind(Path file, SpecialTokens special) {
        Path folder = file.getParent();
        String name = special.tokenizerClass().or(() -> SourceFiles.modelType(folder).map(PieceClass::classOf)).orElse("LlamaTokenizer");
        PieceClass kind = KNOWN.get(name.replaceFirst("Fast$", ""));
        if (kind == null) {
            throw new ModelLoadException(folder.resolve("tokenizer_config.json") + ": tokenizer_class is \"" + name + "\", which is not known "
                    + "here for " + file.getFileName() + "; known are " + String.join(", ", KNOWN.keySet()) + ": download tokenizer.json too");
        }
        return kind;
    }

    /** For folders that name none. */
    private static String classOf(String modelType) {
        return switch (modelType) {
            case "chatglm" -> "ChatGLMTokenizer";
            case "ernie4_5" -> "Ernie4_5_Tokenizer";
            case "t5" -> "T5Tokenizer";
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
